/*
 * What the plugins of a process define: the routes of a listener are made of the services that it
 * names, as far as a plugin brings their definitions. Any thread.
 */
#ifndef INBOUND_REST_REST_DEFINITIONS_H
#define INBOUND_REST_REST_DEFINITIONS_H

#include "base/config/config.h"
#include "base/error.h"

struct descriptor_set;
struct generation;
struct manifest;
struct rest_routes;

/* Of one plugin: what it serves, and its descriptors (NULL: none). Both are borrowed. */
struct rest_definition {
    const struct manifest *manifest;
    const struct descriptor_set *set;
};

/* The definitions of generations, CONFIG_PLUGINS_MAX at most; returns how many. */
size_t rest_definitions_of(struct generation *const *generations, size_t count,
                           struct rest_definition ret_definitions[CONFIG_PLUGINS_MAX]);

/* Makes the routes to these services, which live no longer than the definitions. A service that
 * nobody defines is left out: a listener that serves several goes on when one of them leaves. */
atlas_status_t rest_definitions_routes(const char *const *services, size_t service_count,
                                       const struct rest_definition *definitions, size_t count,
                                       struct rest_routes **ret_routes, struct error *error);

/* Whether a listener could serve these services: each has descriptors and at least one binding, and
 * no two methods are bound to the same path. The error names service, method and remedy. */
atlas_status_t rest_definitions_check(const char *const *services, size_t service_count,
                                      const struct rest_definition *definitions, size_t count,
                                      struct error *error);

#endif
