/* Calls to other services in bytes; the generated clients are typed and sit on top of these. */
#ifndef ATLAS_SDK_CLIENT_H
#define ATLAS_SDK_CLIENT_H

#include "atlas/client.h"
#include "atlas/sdk_call.h"

#define ATLAS_CLIENT "atlas.client/1"

/* Options with a time limit of their own; the caller's remaining time still counts. */
static inline struct atlas_call_options atlas_within_ms(int64_t timeout_ms)
{
    struct atlas_call_options options;

    memset(&options, 0, sizeof options);
    options.size = (uint32_t)sizeof options;
    options.timeout_ms = timeout_ms;
    return options;
}

/* One request (borrowed), one reply, which lies in the arena of call. options may be NULL; path is
 * "/package.Service/Method". [waits] */
static inline atlas_status_t atlas_client_unary(struct atlas_call *call, const char *path,
                                                struct atlas_bytes request,
                                                const struct atlas_call_options *options,
                                                struct atlas_bytes *ret_reply)
{
    const struct atlas_client_interface *client = call->interfaces->client;

    return client != NULL ? client->unary(call, path, request, options, ret_reply)
                          : atlas_not_granted(call, ATLAS_CLIENT);
}

/* Opens a stream; the handle belongs to call. [waits] */
static inline atlas_status_t atlas_client_open(struct atlas_call *call, const char *path,
                                               const struct atlas_call_options *options,
                                               struct atlas_handle *ret_stream)
{
    const struct atlas_client_interface *client = call->interfaces->client;

    return client != NULL ? client->open(call, path, options, ret_stream)
                          : atlas_not_granted(call, ATLAS_CLIENT);
}

/* Sends one message (copied); waits while the peer takes no more. [waits] */
static inline atlas_status_t atlas_client_send(struct atlas_call *call, struct atlas_handle stream,
                                               struct atlas_bytes message)
{
    const struct atlas_client_interface *client = call->interfaces->client;

    return client != NULL ? client->send(call, stream, message)
                          : atlas_not_granted(call, ATLAS_CLIENT);
}

/* Says that no more messages follow. */
static inline atlas_status_t atlas_client_half_close(struct atlas_call *call,
                                                     struct atlas_handle stream)
{
    const struct atlas_client_interface *client = call->interfaces->client;

    return client != NULL ? client->half_close(call, stream)
                          : atlas_not_granted(call, ATLAS_CLIENT);
}

/* ATLAS_OK with a message (borrowed until the next recv), ATLAS_END_OF_STREAM, or the status that
 * the peer ended with. [waits] */
static inline atlas_status_t atlas_client_recv(struct atlas_call *call, struct atlas_handle stream,
                                               struct atlas_bytes *ret_message)
{
    const struct atlas_client_interface *client = call->interfaces->client;

    return client != NULL ? client->recv(call, stream, ret_message)
                          : atlas_not_granted(call, ATLAS_CLIENT);
}

/* Memory until the next recv of the stream; NULL when the budget is used up. */
static inline void *atlas_client_message_alloc(struct atlas_call *call, struct atlas_handle stream,
                                               size_t size)
{
    const struct atlas_client_interface *client = call->interfaces->client;

    return client != NULL ? client->message_alloc(call, stream, size) : NULL;
}

/* Gives the stream up, and cancels it if it has not ended; nothing for one that is closed. */
static inline void atlas_client_close(struct atlas_call *call, struct atlas_handle stream)
{
    if (call->interfaces->client != NULL) {
        call->interfaces->client->close(call, stream);
    }
}

#endif
