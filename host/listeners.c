#include "listeners.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "base/log.h"
#include "base/report.h"
#include "base/tcp_listener.h"
#include "inbound/grpc/grpc_server.h"
#include "inbound/rest/rest_definitions.h"
#include "inbound/rest/rest_limits.h"
#include "inbound/rest/rest_server.h"
#include "listener_set.h"
#include "process_services.h"
#include "runtime/reload/control.h"
#include "runtime/reload/deployment.h"
#include "runtime/runtime.h"

/* How long REST connections are kept open behind the last answer, for clients that have not seen
 * yet that they shall leave. */
#define LINGER_MS 300

/* And how long one is kept open that has not asked for anything yet. */
#define FIRST_REQUEST_MS 1000

#define STEP_MS 5

struct listeners {
    struct grpc_server *grpc;
    struct rest_server *rest;
    struct listener_set *set;
    bool is_accepting;
};

/* Two plugins whose REST routes clash, or a service without descriptors, refuse a deployment. */
static void check_routes(const struct config *config, const struct process_services *services,
                         struct generation *const *generations, size_t count, struct report *report)
{
    struct rest_definition definitions[CONFIG_PLUGINS_MAX];
    size_t definition_count = rest_definitions_of(generations, count, definitions);

    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        struct error error;
        if (listener->protocol == CONFIG_PROTOCOL_REST &&
            process_services_have_any(services, &listener->services) &&
            rest_definitions_check(listener->services.items, listener->services.count, definitions,
                                   definition_count, &error) != ATLAS_OK) {
            report_add(report, "listener %s: %s", listener->name, error.text);
        }
    }
}

static bool prepare(void *self, const struct config *config, struct generation *const *generations,
                    size_t count, struct report *report)
{
    struct listeners *listeners = self;
    struct process_services services;
    process_services_of(generations, count, &services);
    check_routes(config, &services, generations, count, report);
    bool has_changes = listener_set_prepare(listeners->set, config, &services, report);
    process_services_finish(&services);
    if (report->count > 0) {
        listener_set_abandon(listeners->set);
    }
    return has_changes;
}

static void commit(void *self)
{
    struct listeners *listeners = self;
    listener_set_commit(listeners->set);
    if (listeners->is_accepting) {
        listeners_accept(listeners);
    }
}

static void abandon(void *self)
{
    listener_set_abandon(((struct listeners *)self)->set);
}

/* Sockets are opened before anything is loaded; what the plugins say then changes nothing of it. */
static void open_first(struct listeners *listeners, const struct config *config,
                       const char *process, struct report *report)
{
    struct process_services services;
    process_services_read(config, process, &services);
    listener_set_prepare(listeners->set, config, &services, report);
    process_services_finish(&services);
    if (report->count == 0) {
        listener_set_commit(listeners->set);
    } else {
        listener_set_abandon(listeners->set);
    }
}

bool listeners_open(struct runtime *runtime, struct deployment *deployment,
                    struct listeners **ret_listeners, struct report *report)
{
    const struct config *config = runtime_config(runtime);
    struct listeners *listeners = calloc(1, sizeof *listeners);
    struct error error;
    if (listeners == NULL) {
        report_add(report, "listeners: out of memory");
        return false;
    }
    *ret_listeners = listeners;
    struct grpc_limits grpc_limits = grpc_limits_of(&config->grpc);
    struct rest_limits rest_limits = rest_limits_of(&config->rest);
    if (grpc_server_create(runtime, &grpc_limits, &listeners->grpc, &error) != ATLAS_OK ||
        rest_server_create(runtime, &rest_limits, &listeners->rest, &error) != ATLAS_OK ||
        listener_set_create(listeners->grpc, listeners->rest, &listeners->set, &error) !=
            ATLAS_OK) {
        report_add(report, "%s", error.text);
        return false;
    }
    open_first(listeners, config, runtime_process(runtime), report);
    const struct deployment_follower follower = {
        .self = listeners, .prepare = prepare, .commit = commit, .abandon = abandon};
    deployment_add_follower(deployment, &follower);
    return report->count == 0;
}

void listeners_accept(struct listeners *listeners)
{
    struct error error;
    listeners->is_accepting = true;
    grpc_server_accept(listeners->grpc);
    if (rest_server_accept(listeners->rest, &error) != ATLAS_OK) {
        log_error("rest listeners do not accept", LOG_TEXT("reason", error.text));
    }
}

static void stop_arrivals(struct listeners *listeners)
{
    if (listeners->rest != NULL) {
        rest_server_stop_arrivals(listeners->rest);
    }
    if (listeners->grpc != NULL) {
        grpc_server_stop_arrivals(listeners->grpc);
    }
    if (listeners->is_accepting) {
        tcp_listener_await_handshakes();
    }
}

void listeners_stop(struct listeners *listeners)
{
    if (listeners == NULL) {
        return;
    }
    stop_arrivals(listeners);
    if (listeners->rest != NULL) {
        rest_server_stop(listeners->rest);
    }
    if (listeners->grpc != NULL) {
        grpc_server_stop(listeners->grpc);
    }
}

static bool is_idle(const struct listeners *listeners)
{
    return (listeners->rest == NULL || rest_server_in_flight(listeners->rest) == 0) &&
           (listeners->grpc == NULL || grpc_server_connections(listeners->grpc) == 0);
}

/* Waits until nothing is in flight for so long without a break; false at until_ns or an
 * interruption. */
static bool wait_until_quiet(struct listeners *listeners, struct control *control, int64_t quiet_ms,
                             int64_t until_ns)
{
    int64_t idle_ms = 0;
    while (!is_idle(listeners) || idle_ms < quiet_ms) {
        if (clock_monotonic_ns() >= until_ns || control_is_interrupted(control)) {
            return false;
        }
        nanosleep(&(struct timespec){0, STEP_MS * NS_PER_MS}, NULL);
        idle_ms = is_idle(listeners) ? idle_ms + STEP_MS : 0;
    }
    return true;
}

/* A client whose connection was accepted may be about to send its first request. */
static void wait_for_first_requests(struct listeners *listeners, struct control *control,
                                    int64_t until_ns)
{
    while (rest_server_unasked(listeners->rest) > 0 && clock_monotonic_ns() < until_ns &&
           !control_is_interrupted(control)) {
        nanosleep(&(struct timespec){0, STEP_MS * NS_PER_MS}, NULL);
    }
}

bool listeners_wait(struct listeners *listeners, struct control *control, int64_t until_ns)
{
    if (listeners == NULL || !listeners->is_accepting) {
        return true;
    }
    int64_t first_ns = clock_monotonic_ns() + FIRST_REQUEST_MS * NS_PER_MS;
    wait_for_first_requests(listeners, control, first_ns < until_ns ? first_ns : until_ns);
    return wait_until_quiet(listeners, control, LINGER_MS, until_ns) || is_idle(listeners);
}

bool listeners_wait_for_cancelled(struct listeners *listeners, struct control *control,
                                  int64_t until_ns)
{
    return listeners == NULL || !listeners->is_accepting ||
           wait_until_quiet(listeners, control, 0, until_ns);
}

void listeners_cancel(struct listeners *listeners)
{
    log_warn("calls did not end in time: cancelling them, continuing",
             LOG_INT("rest_requests", rest_server_in_flight(listeners->rest)),
             LOG_INT("grpc_connections", grpc_server_connections(listeners->grpc)));
    rest_server_cancel(listeners->rest);
    grpc_server_close(listeners->grpc);
}

void listeners_close(struct listeners *listeners)
{
    if (listeners == NULL) {
        return;
    }
    listener_set_destroy(listeners->set);
    rest_server_destroy(listeners->rest);
    grpc_server_destroy(listeners->grpc);
    free(listeners);
}
