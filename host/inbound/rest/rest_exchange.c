/* Calls that run for a client, from their start to the answer. If the client leaves meanwhile, the
 * connection is freed, the call cancelled, and finished answers nobody. */
#include "inbound/rest/rest_exchange.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <sys/socket.h>

#include "atlas/client.h"
#include "inbound/rest/rest_reply.h"
#include "runtime/call.h"
#include "runtime/call_run.h"
#include "runtime/runtime.h"
#include "runtime/wait.h"

/* In the arena of its call. */
struct rest_exchange {
    struct rest_exchange *next;
    struct rest_exchange **link; /* the pointer that points here */
    struct rest_endpoint *endpoint;
    struct call *call;
    struct evhttp_request *request; /* NULL: the client has gone */
    const struct rest_route *route;
    bool *finished_early; /* set while the call is being started */
    struct event disconnect_event;
    bool is_watching;
};

struct rest_exchange *rest_exchange_next(const struct rest_exchange *exchange)
{
    return exchange->next;
}

void rest_exchange_cancel(struct rest_exchange *exchange)
{
    call_cancel(exchange->call, ATLAS_CANCELLED);
}

static void link_exchange(struct rest_exchange *exchange)
{
    struct rest_endpoint *endpoint = exchange->endpoint;

    exchange->next = endpoint->exchanges;
    exchange->link = &endpoint->exchanges;
    if (exchange->next != NULL) {
        exchange->next->link = &exchange->next;
    }
    endpoint->exchanges = exchange;
    atomic_fetch_add(&endpoint->listener->in_flight, 1);
}

static void unlink_exchange(struct rest_exchange *exchange)
{
    *exchange->link = exchange->next;
    if (exchange->next != NULL) {
        exchange->next->link = exchange->link;
    }
    atomic_fetch_sub(&exchange->endpoint->listener->in_flight, 1);
}

static bool has_left(int fd, short events)
{
    char byte = 0;
    ssize_t count = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    if ((events & EV_CLOSED) != 0 || count == 0) {
        return true;
    }
    return count < 0 && errno != EAGAIN && errno != EINTR;
}

static void exchange_on_socket(evutil_socket_t fd, short events, void *arg)
{
    struct rest_exchange *exchange = arg;
    struct evhttp_request *request = exchange->request;

    if (!has_left(fd, events)) {
        return; /* the next request of a client that does not wait for answers */
    }
    event_del(&exchange->disconnect_event);
    exchange->is_watching = false;
    exchange->request = NULL;
    evhttp_connection_free(evhttp_request_get_connection(request)); /* and the request */
    call_cancel(exchange->call, ATLAS_CANCELLED);
}

/* evhttp does not read while a request is being answered, so nobody else would see the client go.
 */
static void watch_client(struct rest_exchange *exchange)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(exchange->request);
    int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(connection));

    event_assign(&exchange->disconnect_event, loop_base(exchange->endpoint->worker->loop), fd,
                 EV_READ | EV_CLOSED | EV_ET | EV_PERSIST, exchange_on_socket, exchange);
    exchange->is_watching = event_add(&exchange->disconnect_event, NULL) == 0;
}

/* The end of every call: on its fiber, or on the loop. */
static void exchange_on_finished(struct call *call)
{
    struct rest_exchange *exchange = call->peer;

    if (exchange->is_watching) {
        event_del(&exchange->disconnect_event);
    }
    if (exchange->finished_early != NULL) {
        *exchange->finished_early = true;
    }
    if (exchange->request != NULL) {
        rest_reply_call(exchange->endpoint, exchange->request, exchange->route, call);
    }
    unlink_exchange(exchange);
    call_destroy(call);
}

static const struct call_operations exchange_operations = {.finished = exchange_on_finished};

/* The method's service runs elsewhere: pass the request on, with what the client brings. */
static atlas_status_t call_remote(struct call *call, void *arg)
{
    const struct remote_transport *remote = arg;

    if (remote == NULL) {
        return call_fail(call, ATLAS_UNAVAILABLE,
                         "%s is not served in this process and no address is configured for it",
                         call->operation);
    }
    const struct atlas_call_options options = {.size = sizeof options,
                                               .metadata = call->metadata.entries,
                                               .metadata_count = call->metadata.count};
    atlas_status_t status =
        remote->unary(remote->self, call, call->operation, call->request, &options, &call->reply);
    call->has_reply = status == ATLAS_OK;
    return status;
}

void rest_exchange_start(struct rest_endpoint *endpoint, struct call *call,
                         struct evhttp_request *request, const struct rest_route *route)
{
    struct rest_exchange *exchange = arena_alloc(&call->arena, sizeof *exchange);
    bool is_finished = false;

    if (exchange == NULL) {
        call_destroy(call);
        rest_reply_error(endpoint, request, 429, ATLAS_RESOURCE_EXHAUSTED,
                         "the request does not fit into the memory of a call: see "
                         "calls.arena_limit",
                         NULL, false);
        return;
    }
    *exchange = (struct rest_exchange){.endpoint = endpoint,
                                       .call = call,
                                       .request = request,
                                       .route = route,
                                       .finished_early = &is_finished};
    link_exchange(exchange);
    call->peer = exchange;
    call->operations = &exchange_operations;
    if (call->route != NULL) {
        call_start(call);
    } else {
        call_start_function(call, call_remote,
                            (void *)(uintptr_t)runtime_remote(endpoint->worker->runtime));
    }
    if (!is_finished) {
        exchange->finished_early = NULL;
        watch_client(exchange);
    }
}
