/* The REST server as a whole: its listeners on all loops, and their end. */
#include "inbound/rest/rest_server.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/tcp_listener.h"
#include "inbound/rest/rest_endpoint.h"
#include "runtime/runtime.h"

/* At most so long loops take connections that the system had accepted for them: milliseconds, when
 * they are not stuck. */
#define ARRIVALS_MS 2000

atlas_status_t rest_server_create(struct runtime *runtime, const struct rest_limits *limits,
                                  struct rest_server **ret_server, struct error *error)
{
    struct rest_server *server = calloc(1, sizeof *server);

    if (server == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "REST server: out of memory");
    }
    json_object_seed(0); /* once, before the loops would race for it */
    server->runtime = runtime;
    server->limits = *limits;
    server->loop_count = runtime_worker_count(runtime);
    *ret_server = server;
    return ATLAS_OK;
}

static void free_listener(struct rest_listener *listener)
{
    if (listener->fd >= 0) {
        close(listener->fd);
    }
    service_names_free(atomic_load(&listener->services));
    free(listener->endpoints);
    free(listener);
}

static struct rest_listener *make_listener(struct rest_server *server,
                                           const struct rest_listener_options *options)
{
    struct rest_listener *listener = calloc(1, sizeof *listener);

    if (listener == NULL) {
        return NULL;
    }
    listener->fd = -1;
    listener->server = server;
    atomic_init(&listener->services,
                service_names_create(options->services, options->service_count, 1));
    listener->endpoints = calloc(server->loop_count, sizeof *listener->endpoints);
    if (listener->endpoints == NULL || atomic_load(&listener->services) == NULL) {
        free_listener(listener);
        return NULL;
    }
    for (unsigned i = 0; i < server->loop_count; i++) {
        listener->endpoints[i].listener = listener;
        listener->endpoints[i].worker = runtime_worker(server->runtime, i);
    }
    return listener;
}

atlas_status_t rest_server_listen(struct rest_server *server,
                                  const struct rest_listener_options *options,
                                  struct rest_listener **ret_listener, uint16_t *ret_port,
                                  struct error *error)
{
    struct rest_listener *listener = make_listener(server, options);
    uint16_t port = 0;

    if (listener == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "REST listener: out of memory");
    }
    atlas_status_t status = tcp_listener_open("REST listener", options->host, options->port,
                                              options->backlog > 0 ? options->backlog : 1024,
                                              &listener->fd, &port, error);
    if (status != ATLAS_OK) {
        free_listener(listener);
        return status;
    }
    snprintf(listener->address, sizeof listener->address, "%s:%u", options->host, port);
    listener->index = atomic_fetch_add(&server->listener_count, 1);
    listener->next = server->listeners;
    server->listeners = listener;
    if (ret_listener != NULL) {
        *ret_listener = listener;
    }
    if (ret_port != NULL) {
        *ret_port = port;
    }
    return ATLAS_OK;
}

/* Runs a function for the endpoints of a listener, each on its loop. */
struct round {
    struct rest_listener *listener;
    void (*run)(struct rest_endpoint *endpoint);
};

static void run_round(struct worker *worker, void *arg)
{
    const struct round *round = arg;

    round->run(&round->listener->endpoints[worker->index]);
}

static void for_each_endpoint(struct rest_listener *listener, void (*run)(struct rest_endpoint *))
{
    struct round round = {listener, run};

    for (unsigned i = 0; i < listener->server->loop_count; i++) {
        runtime_run_on(runtime_worker(listener->server->runtime, i), run_round, &round);
    }
}

static void open_endpoint(struct rest_endpoint *endpoint)
{
    if (!rest_endpoint_open(endpoint)) {
        rest_endpoint_close(endpoint);
    }
}

static atlas_status_t open_endpoints(struct rest_listener *listener, struct error *error)
{
    for_each_endpoint(listener, open_endpoint);
    listener->is_open = true;
    for (unsigned i = 0; i < listener->server->loop_count; i++) {
        if (listener->endpoints[i].http == NULL) {
            return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "REST listener %s: out of memory",
                             listener->address);
        }
    }
    return ATLAS_OK;
}

atlas_status_t rest_server_accept(struct rest_server *server, struct error *error)
{
    for (struct rest_listener *listener = server->listeners; listener != NULL;
         listener = listener->next) {
        bool is_due = !listener->is_open && !listener->is_leaving;
        atlas_status_t status = is_due ? open_endpoints(listener, error) : ATLAS_OK;

        if (status != ATLAS_OK) {
            return status;
        }
    }
    return ATLAS_OK;
}

/* The loops take what the system has completed for us; then nothing can be lost by closing. */
static void await_arrivals(const struct rest_listener *listener, int64_t until_ns)
{
    while (listener->is_open && tcp_listener_has_waiting(listener->fd) &&
           clock_monotonic_ns() < until_ns) {
        nanosleep(&(struct timespec){0, NS_PER_MS}, NULL);
    }
}

static void close_listener(struct rest_listener *listener)
{
    for_each_endpoint(listener, rest_endpoint_stop);
    close(listener->fd);
    listener->fd = -1;
}

void rest_server_stop_arrivals(struct rest_server *server)
{
    for (struct rest_listener *listener = server->listeners; listener != NULL;
         listener = listener->next) {
        if (listener->fd >= 0) {
            tcp_listener_stop_arrivals(listener->fd);
        }
    }
}

void rest_server_stop(struct rest_server *server)
{
    int64_t until_ns = clock_monotonic_ns() + ARRIVALS_MS * NS_PER_MS;

    rest_server_stop_arrivals(server);
    for (struct rest_listener *listener = server->listeners; listener != NULL;
         listener = listener->next) {
        if (listener->fd >= 0) {
            await_arrivals(listener, until_ns);
            close_listener(listener);
        }
    }
}

static bool is_closed(const struct rest_listener *listener)
{
    bool result = true;

    for (unsigned i = 0; i < listener->server->loop_count; i++) {
        result = result && listener->endpoints[i].http == NULL;
    }
    return result;
}

/* All of them, or those that left and whose clients have gone too: a request may be on its way on
 * any connection, and only its loop knows whether one has come. */
static void free_listeners(struct rest_server *server, bool is_end)
{
    struct rest_listener **link = &server->listeners;

    while (*link != NULL) {
        struct rest_listener *listener = *link;

        if (is_end) {
            for_each_endpoint(listener, rest_endpoint_close);
        } else if (listener->is_leaving) {
            for_each_endpoint(listener, rest_endpoint_close_if_empty);
        }
        if (is_end || (listener->is_leaving && is_closed(listener))) {
            *link = listener->next;
            free_listener(listener);
        } else {
            link = &listener->next;
        }
    }
}

void rest_server_unlisten(struct rest_server *server, struct rest_listener *listener)
{
    if (listener->is_open) {
        tcp_listener_stop_arrivals(listener->fd);
        tcp_listener_await_handshakes();
    }
    await_arrivals(listener, clock_monotonic_ns() + ARRIVALS_MS * NS_PER_MS);
    close_listener(listener);
    listener->is_leaving = true;
    free_listeners(server, false); /* if it has no clients; with those that left before */
}

static void pass(struct rest_endpoint *endpoint)
{
    (void)endpoint;
}

bool rest_server_set_services(struct rest_listener *listener, const char *const *services,
                              size_t count)
{
    struct service_names *former = atomic_load(&listener->services);
    struct service_names *names = service_names_create(services, count, former->version + 1);

    if (names == NULL) {
        return false;
    }
    atomic_store(&listener->services, names);
    for_each_endpoint(listener, pass); /* then no loop looks at it any more */
    service_names_free(former);
    return true;
}

unsigned rest_server_in_flight(const struct rest_server *server)
{
    unsigned sum = 0;

    for (const struct rest_listener *listener = server->listeners; listener != NULL;
         listener = listener->next) {
        sum += atomic_load(&listener->in_flight);
    }
    return sum;
}

size_t rest_server_unasked(struct rest_server *server)
{
    size_t sum = 0;

    for (struct rest_listener *listener = server->listeners; listener != NULL;
         listener = listener->next) {
        for_each_endpoint(listener, rest_endpoint_count_unasked);
        for (unsigned i = 0; i < server->loop_count; i++) {
            sum += listener->endpoints[i].unasked;
        }
    }
    return sum;
}

void rest_server_cancel(struct rest_server *server)
{
    for (struct rest_listener *listener = server->listeners; listener != NULL;
         listener = listener->next) {
        for_each_endpoint(listener, rest_endpoint_cancel);
    }
}

void rest_server_destroy(struct rest_server *server)
{
    if (server != NULL) {
        free_listeners(server, true);
        free(server);
    }
}
