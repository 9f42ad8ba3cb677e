/* Unpack and pack through an allocator over the call's arena: one bump for each block, no free. */
#include "atlas_message.h"

#include "atlas/sdk_call.h"

struct arena {
    struct atlas_call *call;
    bool is_used_up;
};

static void *arena_alloc(void *data, size_t size)
{
    struct arena *arena = data;
    void *memory = atlas_alloc(arena->call, size);

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

atlas_status_t atlas_message_unpack(struct atlas_call *call,
                                    const ProtobufCMessageDescriptor *descriptor,
                                    struct atlas_bytes bytes, ProtobufCMessage **ret_message)
{
    struct arena arena = {.call = call};
    ProtobufCAllocator allocator = {.alloc = arena_alloc, .free = arena_free, &arena};
    ProtobufCMessage *message;

    atlas_status_t status = atlas_message_scan(call, descriptor, bytes);
    if (status != ATLAS_OK) {
        return status;
    }
    message = protobuf_c_message_unpack(descriptor, &allocator, bytes.len, bytes.data);
    if (message == NULL) {
        return arena.is_used_up ? atlas_no_memory(call)
                                : atlas_fail(call, ATLAS_INVALID_ARGUMENT,
                                             "malformed %s: a field has another type than declared",
                                             descriptor->name);
    }
    *ret_message = message;
    return ATLAS_OK;
}

atlas_status_t atlas_message_pack(struct atlas_call *call, const ProtobufCMessage *message,
                                  struct atlas_bytes *ret_bytes)
{
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
    return atlas_message_unpack(call, descriptor, bytes, ret_message);
}

atlas_status_t atlas_message_send(struct atlas_call *call, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *buffer = atlas_reply_buffer(call, size);

    if (buffer == NULL) {
        return atlas_no_memory(call);
    }
    protobuf_c_message_pack(message, buffer);
    return atlas_send(call, atlas_bytes_of(buffer, size));
}
