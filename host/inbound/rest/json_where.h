/* Where in a JSON text a parser stopped, as the path of the value that it was reading. */
#ifndef INBOUND_REST_JSON_WHERE_H
#define INBOUND_REST_JSON_WHERE_H

#include <stddef.h>

#include "atlas/status.h"

/*
 * Writes the path of the value at this position, "pickup.points[3].lat", or "" if none had begun.
 * What lies before the position is JSON, at most JSON_DEPTH_LIMIT deep; ret_path holds size bytes
 * and is cut off where it is longer.
 */
void json_where(struct atlas_bytes text, size_t position, char *ret_path, size_t size);

#endif
