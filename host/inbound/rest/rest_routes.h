/*
 * From HTTP method and path to the method that google.api.http binds to it. A table is built from
 * the services of a REST listener and immutable afterwards.
 */
#ifndef INBOUND_REST_REST_ROUTES_H
#define INBOUND_REST_REST_ROUTES_H

#include "base/descriptors.h"
#include "base/error.h"
#include "inbound/rest/field_path.h"

struct arena;
struct rest_routes;

#define PATH_SEGMENT_LIMIT 64u /* of a request */

/* Part of the path that becomes a field. */
struct rest_variable {
    struct field_path field;
    size_t first;     /* segment of the path */
    size_t count;     /* of segments; with is_rest at least so many */
    bool is_rest;     /* ends with ** */
    bool is_multiple; /* may hold a /, so that %2F stays as it is */
};

/* One binding: where the parts of the request message come from. */
struct rest_route {
    const struct method_descriptor *method;
    const struct http_rule *rule;
    bool has_whole_body;                           /* body: "*" */
    const struct field_descriptor *body_field;     /* body: "field"; NULL: none */
    const struct field_descriptor *response_field; /* response_body; NULL: the whole reply */
    const struct rest_variable *variables;
    size_t variable_count;
};

/* What a path was matched to. */
struct rest_match {
    const struct rest_route *route;
    struct atlas_bytes segments[PATH_SEGMENT_LIMIT + 1]; /* of the path, still encoded */
    size_t segment_count;                                /* without a verb */
    char allow[64];                                      /* with METHOD_NOT_ALLOWED: "GET, POST" */
};

enum rest_result {
    REST_FOUND,
    REST_NOT_FOUND,
    REST_METHOD_NOT_ALLOWED,
};

/* Makes an empty table. RESOURCE_EXHAUSTED when memory is out. */
atlas_status_t rest_routes_create(struct rest_routes **ret_routes, struct error *error);
void rest_routes_destroy(struct rest_routes *routes);

/*
 * Adds all bindings of a service, whose descriptors are borrowed for the life of the table.
 * ALREADY_EXISTS names both methods that are bound to one path; INVALID_ARGUMENT names the method
 * whose binding is wrong: a bad template, a field that is not there, a streaming method.
 */
atlas_status_t rest_routes_add(struct rest_routes *routes, const struct service_descriptor *service,
                               struct error *error);

/* The bindings of all services that were added. */
size_t rest_routes_count(const struct rest_routes *routes);

/* Looks a path (from its first / to before the ?) up; HEAD counts as GET. Views point into path. */
enum rest_result rest_routes_find(const struct rest_routes *routes, const char *http_method,
                                  struct atlas_bytes path, struct rest_match *ret_match);

#endif
