/* The gRPC server as a whole: its loops and listeners, who gets a connection, and the drain. */
#include "inbound/grpc/grpc_server.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/tcp_listener.h"
#include "inbound/grpc/grpc_connection.h"
#include "runtime/runtime.h"

struct grpc_server {
    struct runtime *runtime;
    struct grpc_shared shared;
    struct grpc_listener *listeners;
    struct grpc_loop *loops;
    unsigned loop_count;
    atomic_uint connections;
    int64_t refusal_told_ns;
};

unsigned grpc_server_connections(const struct grpc_server *server)
{
    return atomic_load(&server->connections);
}

/* An accepted socket on its way to its loop. */
struct handover {
    struct loop_task task;
    struct grpc_loop *loop;
    struct grpc_listener *listener;
    int fd;
};

static void run_handover(struct loop_task *task)
{
    struct handover *handover = CONTAINER_OF(task, struct handover, task);
    struct grpc_loop *loop = handover->loop;
    metrics_set(loop->metrics.connections, atomic_load(&loop->connection_count));
    grpc_connection_open(handover->loop, handover->listener, handover->fd);
    free(handover);
}

static struct grpc_loop *least_loaded(struct grpc_server *server)
{
    struct grpc_loop *best = &server->loops[0];
    for (unsigned i = 1; i < server->loop_count; i++) {
        struct grpc_loop *loop = &server->loops[i];
        if (atomic_load(&loop->connection_count) < atomic_load(&best->connection_count)) {
            best = loop;
        }
    }
    return best;
}

/* Once a second is enough to know; the metric counts them. On the loop that accepts. */
static void tell_of_refusal(const struct grpc_listener *listener)
{
    if (log_is_due(&listener->server->refusal_told_ns)) {
        log_warn("grpc connection refused: grpc.connections are open, continuing",
                 LOG_TEXT("address", listener->address));
    }
}

/* Hands an accepted socket to the loop with the fewest connections. */
static void grpc_server_on_accepted(struct grpc_listener *listener, int fd)
{
    struct grpc_server *server = listener->server;
    struct handover *handover = NULL;
    if (atomic_load(&server->connections) < server->shared.limits.connections) {
        handover = malloc(sizeof *handover);
    }
    if (handover == NULL) {
        metrics_add(server->loops[0].metrics.refused, 1); /* the loop that accepts */
        tell_of_refusal(listener);
        close(fd);
        return;
    }
    *handover = (struct handover){.task = {.run = run_handover},
                                  .loop = least_loaded(server),
                                  .listener = listener,
                                  .fd = fd};
    atomic_fetch_add(&server->connections, 1);
    atomic_fetch_add(&listener->connections, 1);
    atomic_fetch_add(&handover->loop->connection_count, 1);
    loop_post(handover->loop->worker->loop, &handover->task);
}

static void grpc_server_on_tick(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct grpc_loop *loop = arg;
    int64_t now_ns = clock_monotonic_ns();
    for (struct grpc_connection *connection = loop->connections, *next; connection != NULL;
         connection = next) {
        next = connection->next;
        grpc_connection_tick(connection, now_ns);
    }
}

static atlas_status_t create_loops(struct grpc_server *server)
{
    server->loop_count = runtime_worker_count(server->runtime);
    server->loops = calloc(server->loop_count, sizeof *server->loops);
    if (server->loops == NULL) {
        return ATLAS_RESOURCE_EXHAUSTED;
    }
    for (unsigned i = 0; i < server->loop_count; i++) {
        struct grpc_loop *loop = &server->loops[i];
        loop->shared = &server->shared;
        loop->server_connections = &server->connections;
        loop->worker = runtime_worker(server->runtime, i);
        grpc_metrics_init(&loop->metrics);
        loop->scratch = malloc(HTTP2_SCRATCH_SIZE);
        if (loop->scratch == NULL) {
            return ATLAS_RESOURCE_EXHAUSTED;
        }
    }
    return ATLAS_OK;
}

atlas_status_t grpc_server_create(struct runtime *runtime, const struct grpc_limits *limits,
                                  struct grpc_server **ret_server, struct error *error)
{
    struct grpc_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "gRPC server: out of memory");
    }
    server->runtime = runtime;
    server->shared.limits = *limits;
    server->shared.callbacks = grpc_connection_callbacks();
    server->shared.options = http2_connection_options(&server->shared.limits);
    if (server->shared.callbacks == NULL || server->shared.options == NULL ||
        create_loops(server) != ATLAS_OK) {
        grpc_server_destroy(server);
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "gRPC server: out of memory");
    }
    *ret_server = server;
    return ATLAS_OK;
}

atlas_status_t grpc_server_listen(struct grpc_server *server,
                                  const struct grpc_listener_options *options,
                                  struct grpc_listener **ret_listener, uint16_t *ret_port,
                                  struct error *error)
{
    struct grpc_listener *listener;
    atlas_status_t status =
        grpc_listener_open(options, grpc_server_on_accepted, &listener, ret_port, error);
    if (status == ATLAS_OK) {
        listener->server = server;
        listener->next = server->listeners;
        server->listeners = listener;
        if (ret_listener != NULL) {
            *ret_listener = listener;
        }
    }
    return status;
}

static struct grpc_loop *loop_of(struct grpc_server *server, const struct worker *worker)
{
    return &server->loops[worker->index];
}

static void start_ticks(struct worker *worker, void *arg)
{
    struct grpc_loop *loop = loop_of(arg, worker);
    if (loop->is_ticking) {
        return;
    }
    event_assign(&loop->tick_event, loop_base(worker->loop), -1, EV_PERSIST, grpc_server_on_tick,
                 loop);
    event_add(&loop->tick_event, &(struct timeval){1, 0});
    loop->is_ticking = true;
}

static void start_listeners(struct worker *worker, void *arg)
{
    struct grpc_server *server = arg;
    for (struct grpc_listener *listener = server->listeners; listener != NULL;
         listener = listener->next) {
        if (!listener->is_accepting && !listener->is_leaving) {
            grpc_listener_start(listener, worker->loop);
        }
    }
}

void grpc_server_accept(struct grpc_server *server)
{
    for (unsigned i = 0; i < server->loop_count; i++) {
        runtime_run_on(server->loops[i].worker, start_ticks, server);
    }
    runtime_run_on(server->loops[0].worker, start_listeners, server);
}

static void stop_listeners(struct worker *worker, void *arg)
{
    (void)worker;
    struct grpc_server *server = arg;
    for (struct grpc_listener *listener = server->listeners; listener != NULL;
         listener = listener->next) {
        grpc_listener_stop(listener);
    }
}

static void drain_loop(struct worker *worker, void *arg)
{
    struct grpc_loop *loop = loop_of(arg, worker);
    loop->is_draining = true;
    for (struct grpc_connection *connection = loop->connections; connection != NULL;
         connection = connection->next) {
        grpc_connection_drain(connection);
    }
}

static void close_loop(struct worker *worker, void *arg)
{
    struct grpc_loop *loop = loop_of(arg, worker);
    for (struct grpc_connection *connection = loop->connections; connection != NULL;
         connection = connection->next) {
        http2_connection_fail(&connection->http2, "the server ends");
    }
}

void grpc_server_stop_arrivals(struct grpc_server *server)
{
    for (struct grpc_listener *listener = server->listeners; listener != NULL;
         listener = listener->next) {
        if (listener->fd >= 0) {
            tcp_listener_stop_arrivals(listener->fd);
        }
    }
}

void grpc_server_stop(struct grpc_server *server)
{
    runtime_run_on(server->loops[0].worker, stop_listeners, server);
    for (unsigned i = 0; i < server->loop_count; i++) {
        runtime_run_on(server->loops[i].worker, drain_loop, server);
    }
}

void grpc_server_close(struct grpc_server *server)
{
    for (unsigned i = 0; i < server->loop_count; i++) {
        runtime_run_on(server->loops[i].worker, close_loop, server);
    }
}

static void finish_loop(struct worker *worker, void *arg)
{
    struct grpc_loop *loop = loop_of(arg, worker);
    if (loop->is_ticking) {
        event_del(&loop->tick_event);
    }
    while (loop->free_streams != NULL) {
        struct grpc_stream *stream = loop->free_streams;
        loop->free_streams = stream->next;
        free(stream);
    }
}

/* All of them, or those that left and have no connections any more. */
static void free_listeners(struct grpc_server *server, bool is_end)
{
    struct grpc_listener **link = &server->listeners;
    while (*link != NULL) {
        struct grpc_listener *listener = *link;
        if (is_end || (listener->is_leaving && atomic_load(&listener->connections) == 0)) {
            assert(!listener->is_accepting);
            *link = listener->next;
            grpc_listener_free(listener);
        } else {
            link = &listener->next;
        }
    }
}

struct departure {
    struct grpc_server *server;
    struct grpc_listener *listener;
};

static void stop_listener(struct worker *worker, void *arg)
{
    (void)worker;
    grpc_listener_stop(arg);
}

static void tell_to_go(struct worker *worker, void *arg)
{
    const struct departure *departure = arg;
    for (struct grpc_connection *connection = loop_of(departure->server, worker)->connections;
         connection != NULL; connection = connection->next) {
        if (connection->listener == departure->listener) {
            grpc_connection_drain(connection);
        }
    }
}

void grpc_server_unlisten(struct grpc_server *server, struct grpc_listener *listener)
{
    struct departure departure = {server, listener};
    if (listener->is_accepting) {
        tcp_listener_stop_arrivals(listener->fd);
        tcp_listener_await_handshakes();
    }
    runtime_run_on(server->loops[0].worker, stop_listener, listener);
    if (listener->fd >= 0) { /* it never accepted */
        close(listener->fd);
        listener->fd = -1;
    }
    atomic_store(&listener->is_leaving, true);
    for (unsigned i = 0; i < server->loop_count; i++) {
        runtime_run_on(server->loops[i].worker, tell_to_go, &departure);
    }
    free_listeners(server, false);
}

static void pass(struct worker *worker, void *arg)
{
    (void)worker;
    (void)arg;
}

bool grpc_server_change(struct grpc_server *server, struct grpc_listener *listener,
                        const struct grpc_listener_options *options)
{
    struct service_names *former = atomic_load(&listener->services);
    struct service_names *names =
        service_names_create(options->services, options->service_count, former->version + 1);
    if (names == NULL) {
        return false;
    }
    atomic_store(&listener->trusts_identity, options->trusts_identity);
    atomic_store(&listener->services, names);
    for (unsigned i = 0; i < server->loop_count; i++) {
        runtime_run_on(server->loops[i].worker, pass, NULL); /* then nobody looks at it any more */
    }
    service_names_free(former);
    return true;
}

void grpc_server_destroy(struct grpc_server *server)
{
    if (server == NULL) {
        return;
    }
    for (unsigned i = 0; i < server->loop_count && server->loops != NULL; i++) {
        if (server->loops[i].is_ticking) {
            runtime_run_on(server->loops[i].worker, finish_loop, server);
        }
        grpc_metrics_finish(&server->loops[i].metrics);
        free(server->loops[i].scratch);
    }
    free_listeners(server, true);
    free(server->loops);
    nghttp2_option_del(server->shared.options);
    nghttp2_session_callbacks_del(server->shared.callbacks);
    free(server);
}
