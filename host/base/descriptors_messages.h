/* Messages, fields and enums of a set of descriptors. Private to base/descriptors*.c. */
#ifndef BASE_DESCRIPTORS_MESSAGES_H
#define BASE_DESCRIPTORS_MESSAGES_H

#include "base/descriptors_builder.h"

/* DescriptorProto: name 1, field 2, nested_type 3, enum_type 4, options 7 (map_entry 7). Adds it
 * and what is nested in it; depth counts from 0, and is bounded. */
atlas_status_t descriptors_parse_message(struct descriptors_builder *builder, const char *scope,
                                         struct atlas_bytes bytes, unsigned int depth);

/* EnumDescriptorProto: name 1, value 2 (name 1, number 2). Adds it. */
atlas_status_t descriptors_parse_enum(struct descriptors_builder *builder, const char *scope,
                                      struct atlas_bytes bytes);

#endif
