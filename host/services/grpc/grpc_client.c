#include "services/grpc/grpc_client.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/readiness.h"
#include "services/grpc/grpc_channel.h"
#include "services/grpc/grpc_client_call.h"
#include "services/grpc/grpc_client_route.h"
#include "services/grpc/grpc_client_session.h"
#include "services/grpc/grpc_client_streaming.h"
#include "services/grpc/grpc_target.h"

static const struct grpc_client_events events = {
    .ready = grpc_channel_ready,
    .room = grpc_channel_pump,
    .leaving = grpc_channel_leave,
    .stream_closed = grpc_client_route_closed,
};

static atlas_status_t create_loops(struct grpc_client *client)
{
    client->loop_count = runtime_worker_count(client->runtime);
    client->loops = calloc(client->loop_count, sizeof *client->loops);
    if (client->loops == NULL) {
        return ATLAS_RESOURCE_EXHAUSTED;
    }
    for (unsigned i = 0; i < client->loop_count; i++) {
        struct grpc_client_loop *loop = &client->loops[i];
        loop->client = client;
        loop->worker = runtime_worker(client->runtime, i);
        loop->scratch = malloc(HTTP2_SCRATCH_SIZE);
        if (loop->scratch == NULL) {
            return ATLAS_RESOURCE_EXHAUSTED;
        }
    }
    return ATLAS_OK;
}

atlas_status_t grpc_client_create(struct runtime *runtime,
                                  const struct grpc_client_options *options,
                                  struct grpc_client **ret_client, struct error *error)
{
    struct grpc_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "gRPC client: out of memory");
    }
    client->runtime = runtime;
    client->options = *options;
    client->events = &events;
    client->transport = (struct remote_transport){
        .self = client,
        .unary = grpc_client_call_unary,
        .open = grpc_client_call_open,
        .send = grpc_client_streaming_send,
        .half_close = grpc_client_streaming_half_close,
        .recv = grpc_client_streaming_recv,
        .close = grpc_client_streaming_close,
    };
    client->callbacks = grpc_client_session_callbacks();
    client->session_options = http2_connection_options(&client->options.limits);
    if (client->callbacks == NULL || client->session_options == NULL ||
        create_loops(client) != ATLAS_OK) {
        grpc_client_destroy(client);
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "gRPC client: out of memory");
    }
    *ret_client = client;
    return ATLAS_OK;
}

const struct remote_transport *grpc_client_transport(const struct grpc_client *client)
{
    return &client->transport;
}

struct connect_request {
    struct grpc_client *client;
    const char *service;
};

static void connect_on(struct worker *worker, void *arg)
{
    const struct connect_request *request = arg;
    struct grpc_client_loop *loop = &request->client->loops[worker->index];
    struct grpc_target *target = grpc_target_of(loop, request->service, strlen(request->service));
    if (target == NULL || target->readiness != NULL) {
        return;
    }
    char name[sizeof target->name + 24];
    snprintf(name, sizeof name, "grpc loop %u %s", worker->index, target->name);
    target->readiness = readiness_add(name);
    if (target->channels[0].state == CHANNEL_READY) {
        readiness_set_ready(target->readiness);
    }
}

void grpc_client_connect(struct grpc_client *client, const char *service)
{
    struct connect_request request = {client, service};
    for (unsigned i = 0; i < client->loop_count; i++) {
        runtime_run_on(client->loops[i].worker, connect_on, &request);
    }
}

static void refresh_on(struct worker *worker, void *arg)
{
    struct grpc_client *client = arg;
    grpc_target_forget_services(&client->loops[worker->index]);
}

void grpc_client_refresh(struct grpc_client *client)
{
    for (unsigned i = 0; i < client->loop_count; i++) {
        runtime_run_on(client->loops[i].worker, refresh_on, client);
    }
}

/* Connections close at the end of this pass. */
static void close_loop(struct worker *worker, void *arg)
{
    struct grpc_client *client = arg;
    struct grpc_client_loop *loop = &client->loops[worker->index];
    loop->is_closing = true;
    for (struct grpc_target *target = loop->targets; target != NULL; target = target->next) {
        for (unsigned i = 0; i < target->channel_count; i++) {
            grpc_channel_finish(&target->channels[i]);
        }
    }
    for (struct grpc_client_connection *connection = loop->connections; connection != NULL;
         connection = connection->next) {
        http2_connection_terminate(&connection->http2, NGHTTP2_NO_ERROR);
        http2_connection_fail(&connection->http2, "the host ends");
    }
}

static void free_targets(struct grpc_client_loop *loop)
{
    while (loop->targets != NULL) {
        struct grpc_target *target = loop->targets;
        loop->targets = target->next;
        readiness_remove(target->readiness);
        free(target);
    }
}

static void free_loop(struct worker *worker, void *arg)
{
    struct grpc_client *client = arg;
    struct grpc_client_loop *loop = &client->loops[worker->index];
    if (loop->connections != NULL) {
        return; /* we were quicker than the end of that pass */
    }
    grpc_target_forget_services(loop);
    free_targets(loop);
    if (loop->is_ticking) {
        event_del(&loop->tick_event);
    }
    while (loop->free_streams != NULL) {
        struct grpc_client_stream *stream = loop->free_streams;
        loop->free_streams = stream->next;
        free(stream);
    }
    free(loop->scratch);
    loop->scratch = NULL;
}

void grpc_client_destroy(struct grpc_client *client)
{
    if (client == NULL) {
        return;
    }
    for (unsigned i = 0; client->loops != NULL && i < client->loop_count; i++) {
        struct grpc_client_loop *loop = &client->loops[i];
        if (loop->targets != NULL) {
            runtime_run_on(loop->worker, close_loop, client);
            while (loop->scratch != NULL) {
                runtime_run_on(loop->worker, free_loop, client);
            }
        } else {
            free(loop->scratch);
        }
    }
    free(client->loops);
    nghttp2_option_del(client->session_options);
    nghttp2_session_callbacks_del(client->callbacks);
    free(client);
}
