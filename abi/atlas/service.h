/* What a plugin serves: services with methods. Generated from the .proto by protoc-gen-atlas. */
#ifndef ATLAS_SERVICE_H
#define ATLAS_SERVICE_H

#include "atlas/call.h"

enum atlas_method_flags {
    ATLAS_METHOD_CLIENT_STREAMING = 1u << 0,
    ATLAS_METHOD_SERVER_STREAMING = 1u << 1,
};

/* Grows. */
struct atlas_method {
    uint32_t size;
    uint32_t flags;   /* enum atlas_method_flags */
    const char *name; /* "GetOrder" */

    /* Runs the call: recv, work, send, and returns the status. Runs on a fiber; calls of one
     * instance run on all loops at once. */
    atlas_status_t (*handle)(struct atlas_call *call);
};

/* Grows. */
struct atlas_service {
    uint32_t size;
    uint32_t method_count;
    const char *name; /* "atlas.order.v1.Order" */
    const struct atlas_method *methods;
};

#endif
