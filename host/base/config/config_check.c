/* Checks across groups, one function per rule. */
#include "base/config/config_check.h"

#include "base/memory.h"
#include "base/nearest.h"
#include "base/report.h"
#include "base/tcp_listener.h"

#include <string.h>

/* Fibers of all loops of a process; two mappings each, of the 65,530 that Linux gives. */
#define FIBERS_MAX 32000

#define FINDING(binding, ...) report_add((binding)->report, "configuration: " __VA_ARGS__)

static void check_names(const struct config_binding *binding, const char *list, const char *array,
                        size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        const char *name = *(const char *const *)(const void *)(array + i * size);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(*(const char *const *)(const void *)(array + j * size), name) == 0) {
                FINDING(binding, "%s: the name \"%s\" is used twice: give each its own", list,
                        name);
            }
        }
        if (name[0] == '\0') {
            FINDING(binding, "%s: a name is empty: give each element one", list);
        }
    }
}

static void check_process(const struct config_binding *binding, const struct config *config,
                          const struct config_process *process)
{
    const char **ids = memory_take(binding->arena, config->plugin_count, sizeof *ids);

    for (size_t i = 0; i < config->plugin_count; i++) {
        ids[i] = config->plugins[i].id;
    }
    for (size_t i = 0; i < process->plugins.count; i++) {
        const char *id = process->plugins.items[i];
        if (config_plugin(config, id) == NULL) {
            const char *near = nearest_word(id, ids, config->plugin_count);
            FINDING(binding, "processes.%s.plugins: \"%s\" is not in the group plugins: %s%s%s",
                    process->name, id, near == NULL ? "add it there" : "did you mean \"",
                    near == NULL ? "" : near, near == NULL ? "" : "\"?");
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(process->plugins.items[j], id) == 0) {
                FINDING(binding, "processes.%s.plugins: \"%s\" is listed twice: remove one",
                        process->name, id);
            }
        }
    }
    if (process->plugins.count > CONFIG_PLUGINS_MAX) {
        FINDING(binding,
                "processes.%s.plugins: names %zu plugins, at most %d can be loaded: spread them "
                "over several processes",
                process->name, process->plugins.count, CONFIG_PLUGINS_MAX);
    }
    if (process->loops * (config->calls.fibers + CONFIG_FIBERS_RESERVED) > FIBERS_MAX) {
        FINDING(
            binding,
            "calls.fibers: %lld (and %d for the host) on each of the %lld loops of process %s are "
            "more than the %d that a process can have: lower calls.fibers or loops",
            (long long)config->calls.fibers, CONFIG_FIBERS_RESERVED, (long long)process->loops,
            process->name, FIBERS_MAX);
    }
}

/* The name becomes that of the pid file. */
static void check_process_name(const struct config_binding *binding, const char *name)
{
    if (strchr(name, '/') != NULL) {
        FINDING(binding,
                "processes: the name \"%s\" has a \"/\", and files are named after it: "
                "choose one without",
                name);
    }
}

static void check_processes(const struct config_binding *binding, const struct config *config)
{
    if (config->process_count == 0) {
        FINDING(binding, "processes: is empty: give at least one process");
    }
    for (size_t i = 0; i < config->process_count; i++) {
        check_process_name(binding, config->processes[i].name);
        check_process(binding, config, &config->processes[i]);
    }
}

static void check_same_address(const struct config_binding *binding, const char *one,
                               const char *other, const struct config_address *a,
                               const struct config_address *b)
{
    if (a->text != NULL && b->text != NULL && a->port == b->port && strcmp(a->host, b->host) == 0) {
        FINDING(binding, "%s and %s: both have the address %s: give each its own", one, other,
                a->text);
    }
}

static void check_own_address(const struct config_binding *binding, const char *path,
                              const struct config_address *address)
{
    if (address->text != NULL && !tcp_listener_is_address(address->host)) {
        FINDING(binding,
                "%s: \"%s\" is no numeric address: write one of this machine's like "
                "\"127.0.0.1\" or \"::1\", or all of them: \"0.0.0.0\"",
                path, address->host);
    }
}

/* A name could be resolved to several, or to another one at each start. */
static void check_own_addresses(const struct config_binding *binding, const struct config *config)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        check_own_address(
            binding,
            memory_format(binding->arena, "listeners.%s.address", config->listeners[i].name),
            &config->listeners[i].address);
    }
    for (size_t i = 0; i < config->process_count; i++) {
        check_own_address(
            binding, memory_format(binding->arena, "processes.%s.admin", config->processes[i].name),
            &config->processes[i].admin);
    }
}

static void check_addresses(const struct config_binding *binding, const struct config *config)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        const char *one = memory_format(binding->arena, "listeners.%s", config->listeners[i].name);
        for (size_t j = 0; j < i; j++) {
            check_same_address(
                binding, memory_format(binding->arena, "listeners.%s", config->listeners[j].name),
                one, &config->listeners[j].address, &config->listeners[i].address);
        }
        for (size_t j = 0; j < config->process_count; j++) {
            check_same_address(
                binding, one,
                memory_format(binding->arena, "processes.%s.admin", config->processes[j].name),
                &config->listeners[i].address, &config->processes[j].admin);
        }
    }
    for (size_t i = 0; i < config->process_count; i++) {
        for (size_t j = 0; j < i; j++) {
            check_same_address(
                binding,
                memory_format(binding->arena, "processes.%s.admin", config->processes[j].name),
                memory_format(binding->arena, "processes.%s.admin", config->processes[i].name),
                &config->processes[j].admin, &config->processes[i].admin);
        }
    }
}

/* A service has one gRPC address; REST listeners may share it. */
static void check_services(const struct config_binding *binding, const struct config *config)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        if (listener->services.count == 0) {
            FINDING(binding, "listeners.%s.services: is empty: name the services that it serves",
                    listener->name);
        }
        for (size_t j = 0; j < i; j++) {
            const struct config_listener *other = &config->listeners[j];
            for (size_t k = 0; k < listener->services.count; k++) {
                if (listener->protocol == CONFIG_PROTOCOL_GRPC &&
                    other->protocol == listener->protocol &&
                    config_texts_have(&other->services, listener->services.items[k])) {
                    FINDING(binding,
                            "listeners.%s and listeners.%s: both serve %s by gRPC: leave it to "
                            "one",
                            other->name, listener->name, listener->services.items[k]);
                }
            }
        }
    }
}

static void check_placements(const struct config_binding *binding, const struct config *config)
{
    for (size_t i = 0; i < config->placement_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(config->placements[i].service, config->placements[j].service) == 0) {
                FINDING(binding, "placements: %s is placed twice: keep one",
                        config->placements[i].service);
            }
        }
    }
}

struct pair {
    const char *lower_key;
    int64_t lower;
    const char *upper_key;
    int64_t upper;
};

static void check_pairs(const struct config_binding *binding, const struct config *config)
{
    const struct pair pairs[] = {
        {"calls.default_deadline", config->calls.default_deadline_ms, "calls.max_deadline",
         config->calls.max_deadline_ms},
        {"grpc.reconnect_min", config->grpc.reconnect_min_ms, "grpc.reconnect_max",
         config->grpc.reconnect_max_ms},
        {"grpc.stream_window", config->grpc.stream_window_bytes, "grpc.connection_window",
         config->grpc.connection_window_bytes},
        {"postgres.reconnect_min", config->postgres.reconnect_min_ms, "postgres.reconnect_max",
         config->postgres.reconnect_max_ms},
        {"redis.reconnect_min", config->redis.reconnect_min_ms, "redis.reconnect_max",
         config->redis.reconnect_max_ms},
        {"kafka.reconnect_min", config->kafka.reconnect_min_ms, "kafka.reconnect_max",
         config->kafka.reconnect_max_ms},
        {"kafka.retry_min", config->kafka.retry_min_ms, "kafka.retry_max",
         config->kafka.retry_max_ms},
        {"calls.message_limit", config->calls.message_bytes, "calls.arena_limit",
         config->calls.arena_bytes},
        {"shutdown.drain_timeout", config->shutdown.drain_ms, "shutdown.limit",
         config->shutdown.limit_ms},
    };

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (pairs[i].lower > pairs[i].upper) {
            FINDING(binding, "%s: is greater than %s: lower the one or raise the other",
                    pairs[i].lower_key, pairs[i].upper_key);
        }
    }
}

void config_check(const struct config_binding *binding, const struct config *config)
{
    check_names(binding, "processes", (const char *)config->processes, config->process_count,
                sizeof *config->processes);
    check_names(binding, "listeners", (const char *)config->listeners, config->listener_count,
                sizeof *config->listeners);
    check_processes(binding, config);
    check_own_addresses(binding, config);
    check_addresses(binding, config);
    check_services(binding, config);
    check_placements(binding, config);
    check_pairs(binding, config);
}
