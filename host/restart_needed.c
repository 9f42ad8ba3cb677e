#include "restart_needed.h"

#include <string.h>

#include "base/config/config.h"
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

static void warn(const char *what, const char *name)
{
    log_warn("a change waits for a restart of the process, continuing as before",
             LOG_TEXT("changed", what), LOG_TEXT("name", name));
}

static void compare_listeners(const struct config *running, const struct config *newer)
{
    for (size_t i = 0; i < newer->listener_count; i++) {
        const struct config_listener *listener = &newer->listeners[i];
        const struct config_listener *former = find_listener(running, listener->name);
        if (former == NULL || !is_same_listener(former, listener)) {
            warn("listener", listener->name);
        }
    }
    for (size_t i = 0; i < running->listener_count; i++) {
        if (find_listener(newer, running->listeners[i].name) == NULL) {
            warn("listener", running->listeners[i].name);
        }
    }
}

void restart_needed_log(const struct config *running, const struct config *newer)
{
    compare_listeners(running, newer);
    if (strcmp(running->postgres.host, newer->postgres.host) != 0 ||
        running->postgres.port != newer->postgres.port) {
        warn("server", "postgres");
    }
    if (strcmp(running->redis.host, newer->redis.host) != 0 ||
        running->redis.port != newer->redis.port) {
        warn("server", "redis");
    }
    if (strcmp(running->kafka.brokers, newer->kafka.brokers) != 0) {
        warn("server", "kafka");
    }
}
