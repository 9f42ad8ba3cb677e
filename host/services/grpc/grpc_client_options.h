/* What the gRPC client is made with. */
#ifndef SERVICES_GRPC_CLIENT_OPTIONS_H
#define SERVICES_GRPC_CLIENT_OPTIONS_H

#include "base/http2/limits.h"

struct config_address;

struct grpc_client_options {
    /* Where a service runs; NULL: nobody knows. The address is copied. Any thread; must not wait.
     */
    const struct config_address *(*find_address)(void *context, const char *service);
    void *context;
    struct grpc_limits limits;
};

#endif
