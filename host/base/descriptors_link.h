/* The last step of making a set: names of types become pointers, fields are indexed by number and
 * by both spellings. Private to base/descriptors*.c. */
#ifndef BASE_DESCRIPTORS_LINK_H
#define BASE_DESCRIPTORS_LINK_H

#include "base/descriptors_builder.h"

/* Links everything that was parsed. INVALID_ARGUMENT names what is missing or defined twice. */
atlas_status_t descriptors_link(struct descriptors_builder *builder);

#endif
