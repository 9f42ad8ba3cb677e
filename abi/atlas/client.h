/*
 * "atlas.client/1": calls to other services, by name. Whether a service runs in this process or at
 * an address comes from the configuration alone; statuses, limits and deadlines are the same.
 */
#ifndef ATLAS_CLIENT_H
#define ATLAS_CLIENT_H

#include "atlas/call.h"

/* Borrowed until the function returns. Grows. */
struct atlas_call_options {
    uint32_t size;
    int64_t timeout_ms; /* 0 or less: the rest of the caller's time; else the smaller of both */
    const struct atlas_metadata *metadata; /* names and values as for set_metadata in call.h */
    size_t metadata_count;
};

struct atlas_client_interface {
    uint32_t size;

    /* One request, one reply. path is "/package.Service/Method". The request is borrowed until the
     * function returns; the reply lies in the arena of call. options may be NULL. A status that the
     * other service chose is passed on with its message. UNAVAILABLE: no placement, or not
     * connected; the request was not processed unless the message says so. RESOURCE_EXHAUSTED: a
     * message over calls.message_limit, or calls within calls beyond calls.nesting.
     * INVALID_ARGUMENT: no path, or options that cannot be. UNIMPLEMENTED: no such method, or a
     * streaming one. [call] [waits] */
    atlas_status_t (*unary)(struct atlas_call *call, const char *path, struct atlas_bytes request,
                            const struct atlas_call_options *options,
                            struct atlas_bytes *ret_reply);

    /* The same as a stream. The handle belongs to call, not to its tasks, and is cancelled with it.
     * The functions below answer FAILED_PRECONDITION for a handle that was closed or is another
     * call's. [call] [waits] */
    atlas_status_t (*open)(struct atlas_call *call, const char *path,
                           const struct atlas_call_options *options,
                           struct atlas_handle *ret_stream);
    /* Sends one message (copied); waits while the peer takes no more. [call] [waits] */
    atlas_status_t (*send)(struct atlas_call *call, struct atlas_handle stream,
                           struct atlas_bytes message);
    /* Says that no more messages follow. [call] */
    atlas_status_t (*half_close)(struct atlas_call *call, struct atlas_handle stream);
    /* ATLAS_OK with a message (borrowed until the next recv), ATLAS_END_OF_STREAM when the peer
     * ended with OK, or the status that the peer ended with. [call] [waits] */
    atlas_status_t (*recv)(struct atlas_call *call, struct atlas_handle stream,
                           struct atlas_bytes *ret_message);
    /* Memory that lives until the next recv of the stream, for what is made of a message. NULL if
     * the call's budget is used up, or for a stale handle. [call] */
    void *(*message_alloc)(struct atlas_call *call, struct atlas_handle stream, size_t size);
    /* Gives the stream up; cancels it if it has not ended. [call] */
    void (*close)(struct atlas_call *call, struct atlas_handle stream);
};

#endif
