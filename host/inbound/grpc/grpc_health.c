/*
 * grpc.health.v1.Health: whether a service of this listener is served. A service is SERVING when it
 * is routed to and the host does not drain; "" asks for all of them, and for what /readyz says.
 */
#include "inbound/grpc/grpc_health.h"

#include <string.h>

#include "base/clock.h"
#include "base/readiness.h"
#include "base/wire.h"
#include "inbound/grpc/grpc_host_view.h"
#include "inbound/grpc/grpc_state.h"
#include "runtime/call.h"
#include "runtime/router.h"

/* grpc.health.v1.HealthCheckResponse.ServingStatus */
enum serving {
    SERVING = 1,
    NOT_SERVING = 2,
    SERVICE_UNKNOWN = 3,
};

/* How often a watched service is looked at. */
#define WATCH_INTERVAL_NS (500 * NS_PER_MS)

/* HealthCheckRequest: service 1. */
static atlas_status_t read_service(struct call *call, struct atlas_bytes *ret_service)
{
    struct atlas_bytes request = {NULL, 0};
    struct wire_field field;

    *ret_service = (struct atlas_bytes){"", 0};
    atlas_status_t status = call->public.interfaces->call->recv(&call->public, &request);
    if (status != ATLAS_OK) {
        return status;
    }
    for (struct wire_reader reader = wire_reader(request);;) {
        enum wire_result result = wire_next(&reader, &field);

        if (result != WIRE_FIELD) {
            return result == WIRE_END
                       ? ATLAS_OK
                       : call_fail(call, ATLAS_INTERNAL, "the request is not a HealthCheckRequest");
        }
        if (field.number == 1 && field.type == WIRE_BYTES) {
            *ret_service = field.bytes;
        }
    }
}

static bool is_served(const struct call *call, const char *name, size_t len)
{
    const struct route_table *table = call->worker->routes; /* the newest, not the call's */

    return table != NULL && route_table_has_service(table, name, len);
}

static enum serving look_at_all(const struct call *call, const struct grpc_listener *listener)
{
    if (!readiness_is_ready()) {
        return NOT_SERVING;
    }
    const struct service_names *services = atomic_load(&listener->services);
    for (size_t i = 0; i < services->count; i++) {
        if (!is_served(call, services->items[i], strlen(services->items[i]))) {
            return NOT_SERVING;
        }
    }
    return SERVING;
}

/* The host ends, or a reload has closed the listener: the client shall look elsewhere. */
static bool is_leaving(const struct grpc_host_view *view)
{
    return *view->is_draining || atomic_load(&view->listener->is_leaving);
}

static enum serving look_at(const struct call *call, const struct grpc_host_view *view,
                            struct atlas_bytes service)
{
    const char *name = NULL;

    if (service.len == 0) {
        return is_leaving(view) ? NOT_SERVING : look_at_all(call, view->listener);
    }
    const struct service_names *services = atomic_load(&view->listener->services);
    for (size_t i = 0; i < services->count; i++) {
        name = services->items[i];
        if (strlen(name) == service.len && memcmp(name, service.data, service.len) == 0) {
            return !is_leaving(view) && is_served(call, name, service.len) ? SERVING : NOT_SERVING;
        }
    }
    for (size_t i = 0; (name = grpc_host_view_service(i)) != NULL; i++) {
        if (strlen(name) == service.len && memcmp(name, service.data, service.len) == 0) {
            return is_leaving(view) ? NOT_SERVING : SERVING;
        }
    }
    return SERVICE_UNKNOWN;
}

/* HealthCheckResponse: status 1. */
static atlas_status_t send_serving(struct call *call, enum serving serving)
{
    const uint8_t reply[] = {1 << 3, (uint8_t)serving};

    return call->public.interfaces->call->send(&call->public,
                                               (struct atlas_bytes){reply, sizeof reply});
}

atlas_status_t grpc_health_check(struct atlas_call *public)
{
    struct call *call = call_of(public);
    struct grpc_host_view view;
    struct atlas_bytes service;

    if (!grpc_host_view_of(call, &view)) {
        return ATLAS_CANCELLED;
    }
    atlas_status_t status = read_service(call, &service);
    if (status != ATLAS_OK) {
        return status;
    }
    enum serving serving = look_at(call, &view, service);
    if (serving == SERVICE_UNKNOWN) {
        return call_fail(call, ATLAS_NOT_FOUND, "service %.*s is not served at this address",
                         (int)(service.len < 128 ? service.len : 128), (const char *)service.data);
    }
    return send_serving(call, serving);
}

atlas_status_t grpc_health_watch(struct atlas_call *public)
{
    struct call *call = call_of(public);
    struct grpc_host_view view;
    struct atlas_bytes service;
    enum serving told = 0;

    if (!grpc_host_view_of(call, &view)) {
        return ATLAS_CANCELLED;
    }
    atlas_status_t status = read_service(call, &service);
    while (status == ATLAS_OK) {
        enum serving serving = look_at(call, &view, service);

        if (serving != told) {
            status = send_serving(call, serving);
            told = serving;
        }
        if (status == ATLAS_OK && is_leaving(&view)) {
            return call_fail(call, ATLAS_UNAVAILABLE, "the host or its listener here ends");
        }
        if (status == ATLAS_OK) {
            status = public->interfaces->call->sleep(public, WATCH_INTERVAL_NS);
        }
    }
    return status;
}
