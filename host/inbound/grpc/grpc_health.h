/* The handlers of grpc.health.v1.Health. [waits] */
#ifndef INBOUND_GRPC_HEALTH_H
#define INBOUND_GRPC_HEALTH_H

#include "atlas/call.h"

atlas_status_t grpc_health_check(struct atlas_call *call);
atlas_status_t grpc_health_watch(struct atlas_call *call);

#endif
