/* Looks at a message before it is packed: protobuf-c follows every pointer that it is given. */
#include "atlas_message.h"

#include "atlas/sdk_call.h"

static atlas_status_t check_message(struct atlas_call *call, const ProtobufCMessage *message,
                                    unsigned int depth);

static atlas_status_t refuse(struct atlas_call *call, const ProtobufCMessage *message,
                             const ProtobufCFieldDescriptor *field, const char *problem)
{
    return atlas_fail(call, ATLAS_INTERNAL, "cannot pack %s.%s: %s", message->descriptor->name,
                      field->name, problem);
}

/* One value that lies at member: the field's own, or an element. */
static atlas_status_t check_value(struct atlas_call *call, const ProtobufCMessage *message,
                                  const ProtobufCFieldDescriptor *field, const void *member,
                                  unsigned int depth)
{
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        const ProtobufCBinaryData *bytes = member;

        return bytes->len == 0 || bytes->data != NULL
                   ? ATLAS_OK
                   : refuse(call, message, field, "its data is NULL, its len is not 0");
    }
    const void *pointer = *(const void *const *)member;
    if (pointer == NULL) { /* absent, unless it is an element */
        return field->label != PROTOBUF_C_LABEL_REPEATED
                   ? ATLAS_OK
                   : refuse(call, message, field, "one of its elements is NULL");
    }
    if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
        return ATLAS_OK;
    }
    const ProtobufCMessage *inner = pointer;
    if (inner->descriptor != field->descriptor) {
        return refuse(call, message, field, "it was not initialised; begin with its ..__INIT");
    }
    return depth < ATLAS_MESSAGE_DEPTH_LIMIT
               ? check_message(call, inner, depth + 1)
               : refuse(call, message, field, "messages lie too deep in each other, or in a ring");
}

static atlas_status_t check_elements(struct atlas_call *call, const ProtobufCMessage *message,
                                     const ProtobufCFieldDescriptor *field, unsigned int depth)
{
    size_t count =
        *(const size_t *)(const void *)((const char *)message + field->quantifier_offset);
    const char *element =
        *(const char *const *)(const void *)((const char *)message + field->offset);
    size_t size =
        field->type == PROTOBUF_C_TYPE_BYTES ? sizeof(ProtobufCBinaryData) : sizeof(void *);
    bool has_pointers = field->type == PROTOBUF_C_TYPE_BYTES ||
                        field->type == PROTOBUF_C_TYPE_STRING ||
                        field->type == PROTOBUF_C_TYPE_MESSAGE;
    atlas_status_t status = ATLAS_OK;

    if (count > 0 && element == NULL) {
        return refuse(call, message, field, "it has a number of elements, and none");
    }
    for (size_t i = 0; has_pointers && i < count && status == ATLAS_OK; i++) {
        status = check_value(call, message, field, element + i * size, depth);
    }
    return status;
}

static bool is_pointer(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (field->type != PROTOBUF_C_TYPE_BYTES && field->type != PROTOBUF_C_TYPE_MESSAGE) {
        return false; /* a string that is NULL is an empty one */
    }
    return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0 ||
           *(const uint32_t *)(const void *)((const char *)message + field->quantifier_offset) ==
               field->id;
}

static atlas_status_t check_message(struct atlas_call *call, const ProtobufCMessage *message,
                                    unsigned int depth)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    atlas_status_t status = ATLAS_OK;

    for (unsigned int i = 0; i < descriptor->n_fields && status == ATLAS_OK; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];

        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            status = check_elements(call, message, field, depth);
        } else if (is_pointer(message, field)) {
            status =
                check_value(call, message, field, (const char *)message + field->offset, depth);
        }
    }
    return status;
}

atlas_status_t atlas_message_check(struct atlas_call *call, const ProtobufCMessage *message)
{
    if (message->descriptor == NULL) { /* as after a memset of a whole reply */
        return atlas_fail(
            call, ATLAS_INTERNAL,
            "cannot pack a message that was not initialised; begin with its ..__INIT");
    }
    return check_message(call, message, 1);
}
