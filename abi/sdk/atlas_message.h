/*
 * Messages of protobuf-c in a call's arena: unpacked after a bounded look at what came, packed into
 * the reply without a copy. Compiled into each plugin; the generated stubs call it.
 *
 * protobuf-c alone recurses as deep as the sender likes, spends 29 bytes for each byte of unknown
 * fields and needs quadratic time for a singular message sent many times. atlas_message_scan
 * refuses such messages before anything is allocated.
 *
 * Its limits are of the plugin, not of the operator: they follow from the shape of its messages and
 * guard its own stack and time, while the size of a message is bounded by the host
 * (calls.message_limit). A plugin whose messages need more sets them for all of its files:
 * target_compile_definitions(my_plugin PRIVATE ATLAS_MESSAGE_DEPTH_LIMIT=40).
 */
#ifndef ATLAS_SDK_MESSAGE_H
#define ATLAS_SDK_MESSAGE_H

#include <protobuf-c/protobuf-c.h>

#include "atlas/call.h"

ATLAS_EXTERN_C_BEGIN

/* Messages inside messages, the outermost counted as 1. A level costs protobuf-c 1 KiB of stack. */
#ifndef ATLAS_MESSAGE_DEPTH_LIMIT
#define ATLAS_MESSAGE_DEPTH_LIMIT 100
#endif

/* Fields in a whole message; elements of packed fields are not counted. */
#ifndef ATLAS_MESSAGE_FIELD_LIMIT
#define ATLAS_MESSAGE_FIELD_LIMIT 262144
#endif

/* Fields that the receiver's version of the message does not know, in a whole message. */
#ifndef ATLAS_MESSAGE_UNKNOWN_LIMIT
#define ATLAS_MESSAGE_UNKNOWN_LIMIT 4096
#endif

/* Occurrences of singular message fields beyond their first, in a whole message: each is merged.
 * Query parameters of REST may need 7 each ("a.b.c.d.e.f.g.h"), and there may be 64. */
#ifndef ATLAS_MESSAGE_MERGE_LIMIT
#define ATLAS_MESSAGE_MERGE_LIMIT 512
#endif

/* True if a proto3 "optional" field of a generated struct is set: ATLAS_HAS_FIELD(req, latitude).
 * The generated <message>__has_<field> is the same. An optional string that is not set is NULL. */
#define ATLAS_HAS_FIELD(message, field) ((message)->_##field##_case != 0)

/* Checks that bytes may be unpacked as a message of that type: well formed, within the limits
 * above, strings in UTF-8 and without NUL. INVALID_ARGUMENT names the field. [call] */
atlas_status_t atlas_message_scan(struct atlas_call *call,
                                  const ProtobufCMessageDescriptor *descriptor,
                                  struct atlas_bytes bytes);

/* Scans and unpacks. The message lies in the arena of call and holds copies: bytes may go. Never
 * free it. INVALID_ARGUMENT as above, RESOURCE_EXHAUSTED when the arena is used up. [call] */
atlas_status_t atlas_message_unpack(struct atlas_call *call,
                                    const ProtobufCMessageDescriptor *descriptor,
                                    struct atlas_bytes bytes, ProtobufCMessage **ret_message);

/* Checks that what a message holds can be packed: no element is NULL, each message in it was
 * initialised, none holds itself. INTERNAL names the field. The functions below do so first.
 * [call] */
atlas_status_t atlas_message_check(struct atlas_call *call, const ProtobufCMessage *message);

/* Packs into the arena of call. INTERNAL as above, RESOURCE_EXHAUSTED when it is used up. [call] */
atlas_status_t atlas_message_pack(struct atlas_call *call, const ProtobufCMessage *message,
                                  struct atlas_bytes *ret_bytes);

/* Receives and unpacks the next message of the caller; ATLAS_END_OF_STREAM after the last. The
 * message of a stream lives until the next recv, that of a unary method as long as the call.
 * [call] [waits] */
atlas_status_t atlas_message_recv(struct atlas_call *call,
                                  const ProtobufCMessageDescriptor *descriptor,
                                  ProtobufCMessage **ret_message);

/* The same for a stream that this call has opened: the message lives until its next recv.
 * [call] [waits] */
atlas_status_t atlas_message_recv_from(struct atlas_call *call, struct atlas_handle stream,
                                       const ProtobufCMessageDescriptor *descriptor,
                                       ProtobufCMessage **ret_message);

/* Packs and sends on a stream that this call has opened; keeps nothing. [call] [waits] */
atlas_status_t atlas_message_send_to(struct atlas_call *call, struct atlas_handle stream,
                                     const ProtobufCMessage *message);

/* Packs into a reply buffer and sends it to the caller. [call] [waits] */
atlas_status_t atlas_message_send(struct atlas_call *call, const ProtobufCMessage *message);

ATLAS_EXTERN_C_END

#endif
