/* Unpack and pack through an allocator over the call's arena: one bump for each block, no free. */
#include "atlas_message.h"

#include <stdlib.h>

#include "atlas/sdk_call.h"
#include "atlas/sdk_client.h"
#include "atlas_message_wire.h"

/* Which memory a message lies in. */
enum lifetime {
    LIFE_OF_CALL,      /* the call's arena */
    UNTIL_RECV,        /* until the next message of the caller */
    UNTIL_STREAM_RECV, /* until the next message of stream */
};

struct arena {
    struct atlas_call *call;
    enum lifetime lifetime;
    struct atlas_handle stream;
    bool is_used_up;
};

static void *alloc_for(struct arena *arena, size_t size)
{
    switch (arena->lifetime) {
    case UNTIL_RECV:
        return arena->call->interfaces->call->message_alloc(arena->call, size);
    case UNTIL_STREAM_RECV:
        return atlas_client_message_alloc(arena->call, arena->stream, size);
    case LIFE_OF_CALL:
    default:
        return atlas_alloc(arena->call, size);
    }
}

static void *arena_alloc(void *data, size_t size)
{
    struct arena *arena = data;
    void *memory = alloc_for(arena, size);

    if (memory == NULL) {
        arena->is_used_up = true;
    }
    return memory;
}

/* The arena goes with the call. */
static void arena_free(void *data, void *memory)
{
    (void)data;
    (void)memory;
}

static atlas_status_t unpack_whole(struct arena *arena,
                                   const ProtobufCMessageDescriptor *descriptor,
                                   struct atlas_bytes bytes, ProtobufCMessage **ret_message)
{
    ProtobufCAllocator allocator = {.alloc = arena_alloc, .free = arena_free, arena};
    struct atlas_call *call = arena->call;
    ProtobufCMessage *message =
        protobuf_c_message_unpack(descriptor, &allocator, bytes.len, bytes.data);

    if (message == NULL) {
        return arena->is_used_up
                   ? atlas_no_memory(call)
                   : atlas_fail(call, ATLAS_INVALID_ARGUMENT,
                                "malformed %s: a field has another type than declared, or a "
                                "required one is missing",
                                descriptor->name);
    }
    *ret_message = message;
    return ATLAS_OK;
}

static atlas_status_t unpack(struct arena *arena, const ProtobufCMessageDescriptor *descriptor,
                             struct atlas_bytes bytes, ProtobufCMessage **ret_message)
{
    struct message_counts counts;

    atlas_status_t status = atlas_message_count(arena->call, descriptor, bytes, &counts);
    if (status != ATLAS_OK || counts.merges == 0) {
        return status == ATLAS_OK ? unpack_whole(arena, descriptor, bytes, ret_message) : status;
    }
    struct atlas_bytes merged = atlas_message_merge(descriptor, bytes, &counts);
    if (merged.data == NULL) {
        return atlas_no_memory(arena->call);
    }
    status = unpack_whole(arena, descriptor, merged, ret_message);
    free((void *)(uintptr_t)merged.data);
    return status;
}

atlas_status_t atlas_message_unpack(struct atlas_call *call,
                                    const ProtobufCMessageDescriptor *descriptor,
                                    struct atlas_bytes bytes, ProtobufCMessage **ret_message)
{
    struct arena arena = {.call = call, .lifetime = LIFE_OF_CALL};

    return unpack(&arena, descriptor, bytes, ret_message);
}

atlas_status_t atlas_message_pack(struct atlas_call *call, const ProtobufCMessage *message,
                                  struct atlas_bytes *ret_bytes)
{
    atlas_status_t status = atlas_message_check(call, message);
    if (status != ATLAS_OK) {
        return status;
    }
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *buffer = atlas_alloc(call, size > 0 ? size : 1);

    if (buffer == NULL) {
        return atlas_no_memory(call);
    }
    *ret_bytes = atlas_bytes_of(buffer, protobuf_c_message_pack(message, buffer));
    return ATLAS_OK;
}

atlas_status_t atlas_message_recv(struct atlas_call *call,
                                  const ProtobufCMessageDescriptor *descriptor,
                                  ProtobufCMessage **ret_message)
{
    struct atlas_bytes bytes;

    atlas_status_t status = atlas_recv(call, &bytes);
    if (status != ATLAS_OK) {
        return status;
    }
    struct arena arena = {.call = call, .lifetime = UNTIL_RECV};
    return unpack(&arena, descriptor, bytes, ret_message);
}

atlas_status_t atlas_message_recv_from(struct atlas_call *call, struct atlas_handle stream,
                                       const ProtobufCMessageDescriptor *descriptor,
                                       ProtobufCMessage **ret_message)
{
    struct atlas_bytes bytes;

    atlas_status_t status = atlas_client_recv(call, stream, &bytes);
    if (status != ATLAS_OK) {
        return status;
    }
    struct arena arena = {.call = call, .lifetime = UNTIL_STREAM_RECV, .stream = stream};
    return unpack(&arena, descriptor, bytes, ret_message);
}

atlas_status_t atlas_message_send_to(struct atlas_call *call, struct atlas_handle stream,
                                     const ProtobufCMessage *message)
{
    atlas_status_t status = atlas_message_check(call, message);
    if (status != ATLAS_OK) {
        return status;
    }
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *buffer = malloc(size > 0 ? size : 1);

    if (buffer == NULL) {
        return atlas_no_memory(call);
    }
    protobuf_c_message_pack(message, buffer);
    status = atlas_client_send(call, stream, atlas_bytes_of(buffer, size));
    free(buffer);
    return status;
}

atlas_status_t atlas_message_send(struct atlas_call *call, const ProtobufCMessage *message)
{
    atlas_status_t status = atlas_message_check(call, message);
    if (status != ATLAS_OK) {
        return status;
    }
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *buffer = atlas_reply_buffer(call, size);
    if (buffer == NULL) {
        return ATLAS_RESOURCE_EXHAUSTED; /* the host has said which limit was met */
    }
    protobuf_c_message_pack(message, buffer);
    return atlas_send(call, atlas_bytes_of(buffer, size));
}
