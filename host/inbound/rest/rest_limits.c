#include "inbound/rest/rest_limits.h"

#include "base/config/config.h"

struct rest_limits rest_limits_of(const struct config_rest *config)
{
    return (struct rest_limits){
        .connections = (unsigned)config->connections,
        .body_limit = (size_t)config->body_bytes,
        .header_limit = (size_t)config->header_bytes,
        .depth = (unsigned)config->depth,
        .request_ms = config->request_ms,
        .lingering = (unsigned)config->lingering,
        .linger_ms = config->linger_ms,
        .idle_ms = config->idle_ms,
    };
}
