/* The definitions of grpc.health.v1 and grpc.reflection, as protoc wrote them when the host was
 * built: a serialized google.protobuf.FileDescriptorSet. */
#ifndef INBOUND_GRPC_HOST_DESCRIPTORS_H
#define INBOUND_GRPC_HOST_DESCRIPTORS_H

extern const unsigned char host_descriptors[];
extern const unsigned long host_descriptors_len;

#endif
