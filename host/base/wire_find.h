/* Single fields of a serialized message, where one look at each is enough. */
#ifndef BASE_WIRE_FIND_H
#define BASE_WIRE_FIND_H

#include "base/wire.h"

/* All in any thread; none waits. What is malformed ends the search: wire_is_well_formed says so. */

/* How often a field occurs. */
size_t wire_count(struct atlas_bytes message, uint32_t number);

/* The last occurrence of a bytes field, as protobuf's rules have it, borrowed from the message;
 * empty if there is none. */
struct atlas_bytes wire_find_bytes(struct atlas_bytes message, uint32_t number);

/* The last occurrence of a varint field, or fallback. */
uint64_t wire_find_value(struct atlas_bytes message, uint32_t number, uint64_t fallback);

/* True if the message can be read to its end; what is nested in it is not looked at. */
bool wire_is_well_formed(struct atlas_bytes message);

#endif
