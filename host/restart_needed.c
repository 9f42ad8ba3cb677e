#include "restart_needed.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/config/config_differs.h"
#include "base/log.h"

/* What process_reload, the deployment and their users take from the newest configuration. */
static bool follows(const char *path)
{
    static const char *const prefixes[] = {"reload.", "shutdown.", "log."};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (strncmp(path, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    return false;
}

static void differs(void *arg, const char *path, const char *former, const char *newer)
{
    (void)arg;
    if (follows(path)) {
        return;
    }
    log_warn("a change waits for a restart of the process, continuing as before",
             LOG_TEXT("key", path), LOG_TEXT("from", former), LOG_TEXT("to", newer));
}

void restart_needed_log(const struct config *running, const struct config *newer,
                        const char *process)
{
    config_differs(running, newer, process, differs, NULL);
}
