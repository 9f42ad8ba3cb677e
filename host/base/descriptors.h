/*
 * What the host knows of messages and services without code generated for them: an indexed model
 * built from a serialized google.protobuf.FileDescriptorSet. It is immutable once built, so that
 * all loops may read it, and keeps its own copy of everything.
 */
#ifndef BASE_DESCRIPTORS_H
#define BASE_DESCRIPTORS_H

#include "atlas/abi.h"
#include "base/error.h"

struct descriptor_set;
struct message_descriptor;

/* The numbers of google.protobuf.FieldDescriptorProto.Type. */
enum field_type {
    FIELD_DOUBLE = 1,
    FIELD_FLOAT = 2,
    FIELD_INT64 = 3,
    FIELD_UINT64 = 4,
    FIELD_INT32 = 5,
    FIELD_FIXED64 = 6,
    FIELD_FIXED32 = 7,
    FIELD_BOOL = 8,
    FIELD_STRING = 9,
    FIELD_GROUP = 10,
    FIELD_MESSAGE = 11,
    FIELD_BYTES = 12,
    FIELD_UINT32 = 13,
    FIELD_ENUM = 14,
    FIELD_SFIXED32 = 15,
    FIELD_SFIXED64 = 16,
    FIELD_SINT32 = 17,
    FIELD_SINT64 = 18,
};

struct enum_value_descriptor {
    const char *name;
    int32_t number;
};

struct enum_descriptor {
    const char *name; /* full name: "atlas.order.v1.Status" */
    struct enum_value_descriptor *values;
    size_t value_count;
};

/* Messages whose JSON form is not an object of their fields. */
enum well_known {
    WELL_KNOWN_NONE = 0,
    WELL_KNOWN_TIMESTAMP,
    WELL_KNOWN_DURATION,
    WELL_KNOWN_WRAPPER, /* StringValue, Int64Value, ...: one field "value" */
    WELL_KNOWN_OTHER,   /* Any, Struct, Value, ListValue, FieldMask */
};

struct field_descriptor {
    const char *name;      /* "order_id" */
    const char *json_name; /* "orderId" */
    size_t name_len;
    size_t json_name_len;
    uint32_t number;
    uint8_t type; /* enum field_type */
    bool is_repeated;
    bool is_packed;    /* as this field is written; both forms are read */
    bool has_presence; /* absent differs from the default: optional, oneof, message */
    bool is_required;  /* proto2 */
    bool is_map;       /* repeated message of key (field 1) and value (field 2) */
    int16_t oneof;     /* index of its oneof, -1: none (proto3 optional counts as none) */
    const struct message_descriptor *message;  /* FIELD_MESSAGE */
    const struct enum_descriptor *enumeration; /* FIELD_ENUM */
    const char *type_name; /* as written in the file: ".atlas.order.v1.Status"; NULL: scalar */
};

struct message_descriptor {
    const char *name; /* full name */
    const char *file;
    struct field_descriptor *fields; /* by number, ascending */
    size_t field_count;
    enum well_known well_known;
    bool is_map_entry;
    uint16_t *names; /* open hash of both spellings: index into fields + 1 */
    size_t name_slots;
};

/* One binding of google.api.http. */
struct http_rule {
    const char *method;        /* "GET" */
    const char *path;          /* "/v1/orders/{order_id}" */
    const char *body;          /* "": none, "*", or a field */
    const char *response_body; /* "": the whole reply, or a field */
};

struct service_descriptor;

struct method_descriptor {
    const char *name; /* "GetOrder" */
    const char *path; /* "/atlas.order.v1.Order/GetOrder" */
    const struct service_descriptor *service;
    const struct message_descriptor *input;
    const struct message_descriptor *output;
    const char *input_name; /* as written in the file */
    const char *output_name;
    bool is_client_streaming;
    bool is_server_streaming;
    struct http_rule *rules; /* additional_bindings included */
    size_t rule_count;
};

struct service_descriptor {
    const char *name; /* "atlas.order.v1.Order" */
    const char *file;
    struct method_descriptor *methods;
    size_t method_count;
};

/* A file as it was serialized (google.protobuf.FileDescriptorProto), for reflection. */
struct file_descriptor {
    const char *name;
    struct atlas_bytes bytes;
    const char **dependencies;
    size_t dependency_count;
};

/*
 * Builds the model. bytes are copied. INVALID_ARGUMENT names file and message, RESOURCE_EXHAUSTED
 * if the set is larger than DESCRIPTORS_LIMIT or memory is out. The model is the caller's, to be
 * ended with descriptors_destroy. Any thread; does not wait.
 */
#define DESCRIPTORS_LIMIT (4u << 20)
atlas_status_t descriptors_create(struct atlas_bytes bytes, struct descriptor_set **ret_set,
                                  struct error *error);
void descriptors_destroy(struct descriptor_set *set);

/* Lookups by full name without a leading dot; NULL if the set does not have it. The results live as
 * long as the model. */
const struct message_descriptor *descriptors_message(const struct descriptor_set *set,
                                                     const char *name);
const struct enum_descriptor *descriptors_enum(const struct descriptor_set *set, const char *name);
const struct service_descriptor *descriptors_service(const struct descriptor_set *set,
                                                     const char *name);
const struct file_descriptor *descriptors_file(const struct descriptor_set *set, const char *name);

/* The file that defines a message, enum, service, method or field; for reflection. */
const struct file_descriptor *descriptors_file_of(const struct descriptor_set *set,
                                                  const char *symbol);

/* All of them, in the order of the set. */
size_t descriptors_service_count(const struct descriptor_set *set);
const struct service_descriptor *descriptors_service_at(const struct descriptor_set *set,
                                                        size_t index);

/* All files, in the order of the set; index is below the count. They live as long as the model. */
size_t descriptors_file_count(const struct descriptor_set *set);
const struct file_descriptor *descriptors_file_at(const struct descriptor_set *set, size_t index);

/* A method by its bare name; NULL if there is none. */
const struct method_descriptor *service_method(const struct service_descriptor *service,
                                               const char *name);

/* A field by either spelling, or by number; NULL if there is none. */
const struct field_descriptor *message_field(const struct message_descriptor *message,
                                             const char *name, size_t len);
const struct field_descriptor *message_field_by_number(const struct message_descriptor *message,
                                                       uint32_t number);

/* A value by name; false if there is none. */
bool enum_number(const struct enum_descriptor *enumeration, const char *name, size_t len,
                 int32_t *ret_number);
/* The (first) name of a number, NULL if there is none. */
const char *enum_name(const struct enum_descriptor *enumeration, int32_t number);

#endif
