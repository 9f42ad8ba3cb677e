/* Whether REST listeners can serve what they name, seen in the plugins' files: bindings that are
 * well formed, and no two methods on one path. */
#ifndef HOST_REST_CHECK_H
#define HOST_REST_CHECK_H

struct config;
struct report;

/* Adds findings to the report; files that cannot be read are reported where they are loaded. Blocks
 * on the disk: control thread only. */
void rest_check(const struct config *config, struct report *report);

#endif
