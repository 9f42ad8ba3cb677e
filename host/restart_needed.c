#include "restart_needed.h"

#include "base/config/config_differs.h"
#include "base/log.h"

static void differs(void *arg, const char *path, const char *former, const char *newer)
{
    (void)arg;
    log_warn("a change waits for a restart of the process, continuing as before",
             LOG_TEXT("key", path), LOG_TEXT("from", former), LOG_TEXT("to", newer));
}

void restart_needed_log(const struct config *running, const struct config *newer,
                        const char *process)
{
    config_differs(running, newer, process, differs, NULL);
}
