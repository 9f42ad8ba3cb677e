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
    listener->services = options->services;
    listener->service_count = options->service_count;
    listener->endpoints = calloc(server->loop_count, sizeof *listener->endpoints);
    if (listener->endpoints == NULL) {
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
                                  const struct rest_listener_options *options, uint16_t *ret_port,
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
    snprintf(listener->name, sizeof listener->name, "%s:%u", options->host, port);
    listener->index = server->listener_count++;
    listener->next = server->listeners;
    server->listeners = listener;
    if (ret_port != NULL) {
        *ret_port = port;
    }
    return ATLAS_OK;
}

/* Runs a function for every endpoint, each on its loop. */
struct round {
    struct rest_server *server;
    void (*run)(struct rest_endpoint *endpoint);
};

static void run_round(struct worker *worker, void *arg)
{
    const struct round *round = arg;

    for (struct rest_listener *listener = round->server->listeners; listener != NULL;
         listener = listener->next) {
        round->run(&listener->endpoints[worker->index]);
    }
}

static void for_each_endpoint(struct rest_server *server, void (*run)(struct rest_endpoint *))
{
    struct round round = {server, run};

    for (unsigned i = 0; i < server->loop_count; i++) {
        runtime_run_on(runtime_worker(server->runtime, i), run_round, &round);
    }
}

static void open_endpoint(struct rest_endpoint *endpoint)
{
    if (!rest_endpoint_open(endpoint)) {
        rest_endpoint_close(endpoint);
    }
}

atlas_status_t rest_server_accept(struct rest_server *server, struct error *error)
{
    for_each_endpoint(server, open_endpoint);
    for (const struct rest_listener *listener = server->listeners; listener != NULL;
         listener = listener->next) {
        for (unsigned i = 0; i < server->loop_count; i++) {
            if (listener->endpoints[i].http == NULL) {
                return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "REST listener %s: out of memory",
                                 listener->name);
            }
        }
    }
    return ATLAS_OK;
}

/* The loops take what the system has completed for us; then nothing can be lost by closing. */
static void stop_arrivals(struct rest_server *server, int64_t until_ns)
{
    for (const struct rest_listener *listener = server->listeners; listener != NULL;
         listener = listener->next) {
        tcp_listener_stop_arrivals(listener->fd);
    }
    for (const struct rest_listener *listener = server->listeners; listener != NULL;
         listener = listener->next) {
        while (tcp_listener_has_waiting(listener->fd) && clock_monotonic_ns() < until_ns) {
            nanosleep(&(struct timespec){0, NS_PER_MS}, NULL);
        }
    }
}

static void close_sockets(struct rest_server *server)
{
    for (struct rest_listener *listener = server->listeners; listener != NULL;
         listener = listener->next) {
        close(listener->fd);
        listener->fd = -1;
    }
}

void rest_server_stop(struct rest_server *server)
{
    stop_arrivals(server, clock_monotonic_ns() + ARRIVALS_MS * NS_PER_MS);
    for_each_endpoint(server, rest_endpoint_stop);
    close_sockets(server);
}

unsigned rest_server_in_flight(const struct rest_server *server)
{
    return atomic_load(&server->in_flight);
}

void rest_server_cancel(struct rest_server *server)
{
    for_each_endpoint(server, rest_endpoint_cancel);
}

void rest_server_destroy(struct rest_server *server)
{
    if (server == NULL) {
        return;
    }
    for_each_endpoint(server, rest_endpoint_close);
    while (server->listeners != NULL) {
        struct rest_listener *listener = server->listeners;

        server->listeners = listener->next;
        free_listener(listener);
    }
    free(server);
}
