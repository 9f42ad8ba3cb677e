/* Whether REST listeners can serve what they name, seen in the manifests: bindings that are well
 * formed, and no two methods on one path. */
#ifndef HOST_REST_CHECK_H
#define HOST_REST_CHECK_H

struct config;
struct manifest;
struct report;

/* manifests is parallel to config->plugins; NULL where one could not be read, which is reported
 * elsewhere. Adds findings to the report. Any thread. */
void rest_check(const struct config *config, const struct manifest *const *manifests,
                struct report *report);

#endif
