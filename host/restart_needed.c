#include "restart_needed.h"

#include <string.h>

#include "base/config/config.h"
#include "base/config/config_differs.h"
#include "base/log.h"

static const struct config_listener *find_listener(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        if (strcmp(config->listeners[i].name, name) == 0) {
            return &config->listeners[i];
        }
    }
    return NULL;
}

static bool is_same_listener(const struct config_listener *a, const struct config_listener *b)
{
    bool is_same = a->protocol == b->protocol && strcmp(a->address.text, b->address.text) == 0 &&
                   a->services.count == b->services.count;
    for (size_t i = 0; is_same && i < a->services.count; i++) {
        is_same = config_texts_have(&b->services, a->services.items[i]);
    }
    return is_same;
}

static void warn(const char *name)
{
    log_warn("a change waits for a restart of the process, continuing as before",
             LOG_TEXT("changed", "listener"), LOG_TEXT("name", name));
}

static void compare_listeners(const struct config *running, const struct config *newer)
{
    for (size_t i = 0; i < newer->listener_count; i++) {
        const struct config_listener *listener = &newer->listeners[i];
        const struct config_listener *former = find_listener(running, listener->name);
        if (former == NULL || !is_same_listener(former, listener)) {
            warn(listener->name);
        }
    }
    for (size_t i = 0; i < running->listener_count; i++) {
        if (find_listener(newer, running->listeners[i].name) == NULL) {
            warn(running->listeners[i].name);
        }
    }
}

static void differs(void *arg, const char *path, const char *former, const char *newer)
{
    (void)arg;
    log_warn("a change waits for a restart of the process, continuing as before",
             LOG_TEXT("changed", "key"), LOG_TEXT("name", path), LOG_TEXT("from", former),
             LOG_TEXT("to", newer));
}

void restart_needed_log(const struct config *running, const struct config *newer,
                        const char *process)
{
    compare_listeners(running, newer);
    config_differs(running, newer, process, differs, NULL);
}
