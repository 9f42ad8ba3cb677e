/* Reads a serialized google.protobuf.FileDescriptorSet. Private to base/descriptors*.c. */
#ifndef BASE_DESCRIPTORS_PARSE_H
#define BASE_DESCRIPTORS_PARSE_H

#include "base/descriptors_builder.h"

/* Reads all files of the set, which must live as long as the model: every message, enum and service
 * becomes a symbol; type names are still to be resolved. */
atlas_status_t descriptors_parse(struct descriptors_builder *builder, struct atlas_bytes set);

#endif
