/* The instance of the gateway: its configuration, immutable after create. */
#ifndef PLUGINS_GATEWAY_GATEWAY_H
#define PLUGINS_GATEWAY_GATEWAY_H

#include "atlas/sdk.h"

struct gateway {
    int64_t part_timeout_ms; /* for what an answer can do without */
    int32_t nearby_limit;    /* drivers in an overview */
};

/* Metrics, by their index in the plugin's table. */
enum { GATEWAY_PARTS_MISSING };

static inline const struct gateway *gateway_of(struct atlas_call *call)
{
    return (const struct gateway *)call->instance;
}

#endif
