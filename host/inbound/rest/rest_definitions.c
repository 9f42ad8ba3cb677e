#include "inbound/rest/rest_definitions.h"

#include "inbound/rest/rest_routes.h"
#include "runtime/generation.h"
#include "runtime/loader/manifest.h"

size_t rest_definitions_of(struct generation *const *generations, size_t count,
                           struct rest_definition ret_definitions[CONFIG_PLUGINS_MAX])
{
    size_t i = 0;

    for (; i < count && i < CONFIG_PLUGINS_MAX; i++) {
        ret_definitions[i] =
            (struct rest_definition){generations[i]->manifest, generations[i]->descriptors};
    }
    return i;
}

/* The server's own definition, or that of a plugin here which calls a service elsewhere. */
static const struct service_descriptor *find_service(const struct rest_definition *definitions,
                                                     size_t count, const char *name)
{
    const struct service_descriptor *found = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct descriptor_set *set = definitions[i].set;
        const struct service_descriptor *service =
            set != NULL ? descriptors_service(set, name) : NULL;

        if (service != NULL && manifest_names_have(&definitions[i].manifest->services, name)) {
            return service;
        }
        found = found != NULL ? found : service;
    }
    return found;
}

/* is_strict: a service that nobody defines is an error, else it is left out. */
static atlas_status_t make_routes(const char *const *services, size_t service_count,
                                  const struct rest_definition *definitions, size_t count,
                                  bool is_strict, struct rest_routes **ret_routes,
                                  struct error *error)
{
    struct rest_routes *routes = NULL;

    atlas_status_t status = rest_routes_create(&routes, error);
    for (size_t i = 0; i < service_count && status == ATLAS_OK; i++) {
        const struct service_descriptor *service = find_service(definitions, count, services[i]);
        size_t before = rest_routes_count(routes);

        if (service == NULL && !is_strict) {
            continue;
        }
        if (service == NULL) {
            status = error_set(error, ATLAS_FAILED_PRECONDITION,
                               "REST cannot serve %s: no plugin of this process brings its "
                               "definition; add the plugin that serves it, or take the service off "
                               "the listener",
                               services[i]);
            break;
        }
        status = rest_routes_add(routes, service, error);
        if (status == ATLAS_OK && rest_routes_count(routes) == before) {
            status = error_set(error, ATLAS_FAILED_PRECONDITION,
                               "REST cannot serve %s: none of its methods has a google.api.http "
                               "option",
                               services[i]);
        }
    }
    if (status != ATLAS_OK) {
        rest_routes_destroy(routes);
        return status;
    }
    *ret_routes = routes;
    return ATLAS_OK;
}

atlas_status_t rest_definitions_routes(const char *const *services, size_t service_count,
                                       const struct rest_definition *definitions, size_t count,
                                       struct rest_routes **ret_routes, struct error *error)
{
    return make_routes(services, service_count, definitions, count, false, ret_routes, error);
}

atlas_status_t rest_definitions_check(const char *const *services, size_t service_count,
                                      const struct rest_definition *definitions, size_t count,
                                      struct error *error)
{
    struct rest_routes *routes = NULL;
    atlas_status_t status =
        make_routes(services, service_count, definitions, count, true, &routes, error);

    if (status == ATLAS_OK) {
        rest_routes_destroy(routes);
    }
    return status;
}
