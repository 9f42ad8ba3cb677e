/* JSON text to jansson's tree, with errors that name the field. */
#ifndef INBOUND_REST_JSON_PARSE_H
#define INBOUND_REST_JSON_PARSE_H

#include <jansson.h>

#include "base/error.h"

/* Parses one value. It is refused when objects and arrays lie more than depth deep in each other
 * (at most JSON_DEPTH_LIMIT), which is looked at first since jansson recurses; or when a key comes
 * twice. The caller owns ret_json. INVALID_ARGUMENT. Any thread; does not wait. */
atlas_status_t json_parse(struct atlas_bytes text, unsigned int depth, json_t **ret_json,
                          struct error *error);

#endif
