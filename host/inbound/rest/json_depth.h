/* How deep JSON may be. */
#ifndef INBOUND_REST_JSON_DEPTH_H
#define INBOUND_REST_JSON_DEPTH_H

/* Objects and arrays in each other, in requests and replies: what walks them recurses. */
#define JSON_DEPTH_LIMIT 100u

#endif
