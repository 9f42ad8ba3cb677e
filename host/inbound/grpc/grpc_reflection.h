/* The handler of grpc.reflection.v1 and v1alpha, which are alike. [waits] */
#ifndef INBOUND_GRPC_REFLECTION_H
#define INBOUND_GRPC_REFLECTION_H

#include "atlas/call.h"

atlas_status_t grpc_reflection_info(struct atlas_call *call);

#endif
