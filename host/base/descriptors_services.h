/* Services, methods and their google.api.http rules of a set of descriptors. Private to
 * base/descriptors*.c. */
#ifndef BASE_DESCRIPTORS_SERVICES_H
#define BASE_DESCRIPTORS_SERVICES_H

#include "base/descriptors_builder.h"

/* ServiceDescriptorProto: name 1, method 2. Adds it. */
atlas_status_t descriptors_parse_service(struct descriptors_builder *builder, const char *scope,
                                         struct atlas_bytes bytes);

#endif
