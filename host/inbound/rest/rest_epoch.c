/* The routes of the listeners for one route table: made on the loop when the first request meets a
 * new table, freed with it. So they follow every reload. */
#include <stdlib.h>
#include <string.h>

#include "base/config/config.h"
#include "base/log.h"
#include "inbound/rest/rest_endpoint.h"
#include "runtime/loader/manifest.h"
#include "runtime/router.h"

/* The newest, made for that version of the listener's services, before older ones, which requests
 * in flight may hold. */
struct listener_routes {
    struct listener_routes *older;
    unsigned version;
    struct rest_routes *routes; /* NULL: it failed */
};

struct rest_epoch {
    unsigned count;
    struct listener_routes *listeners[]; /* by index; NULL: not made yet */
};

/* The server's own definition, or that of a plugin here which calls a service elsewhere. */
static const struct service_descriptor *find_service(const struct rest_definitions *definitions,
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

/* is_strict: a service that nobody defines is an error, else it is left out: a listener that serves
 * several goes on when one of them leaves. */
static atlas_status_t make_routes(const char *const *services, size_t service_count,
                                  const struct rest_definitions *definitions, size_t count,
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

atlas_status_t rest_server_check_definitions(const char *const *services, size_t service_count,
                                             const struct rest_definitions *definitions,
                                             size_t count, struct error *error)
{
    struct rest_routes *routes = NULL;
    atlas_status_t status =
        make_routes(services, service_count, definitions, count, true, &routes, error);

    if (status == ATLAS_OK) {
        rest_routes_destroy(routes);
    }
    return status;
}

static size_t definitions_of(struct generation *const *generations, size_t count,
                             struct rest_definitions ret_definitions[CONFIG_PLUGINS_MAX])
{
    size_t i = 0;

    for (; i < count && i < CONFIG_PLUGINS_MAX; i++) {
        ret_definitions[i] =
            (struct rest_definitions){generations[i]->manifest, generations[i]->descriptors};
    }
    return i;
}

atlas_status_t rest_server_check(const char *const *services, size_t service_count,
                                 struct generation *const *generations, size_t generation_count,
                                 struct error *error)
{
    struct rest_definitions definitions[CONFIG_PLUGINS_MAX];
    size_t count = definitions_of(generations, generation_count, definitions);

    return rest_server_check_definitions(services, service_count, definitions, count, error);
}

static void epoch_free(void *rest)
{
    struct rest_epoch *epoch = rest;

    for (unsigned i = 0; i < epoch->count; i++) {
        for (struct listener_routes *made = epoch->listeners[i], *older; made != NULL;
             made = older) {
            older = made->older;
            rest_routes_destroy(made->routes);
            free(made);
        }
    }
    free(epoch);
}

static struct rest_epoch *epoch_of(struct route_table *table, const struct rest_server *server)
{
    if (table->rest == NULL) {
        unsigned count = atomic_load(&server->listener_count); /* may grow meanwhile */
        struct rest_epoch *epoch = calloc(1, sizeof *epoch + count * sizeof epoch->listeners[0]);

        if (epoch != NULL) {
            epoch->count = count;
            table->rest = epoch;
            table->rest_free = epoch_free;
        }
    }
    return table->rest;
}

static struct listener_routes *make_for_listener(const struct route_table *table,
                                                 const struct rest_listener *listener,
                                                 const struct service_names *services)
{
    struct rest_definitions definitions[CONFIG_PLUGINS_MAX];
    size_t count = definitions_of(table->generations, table->generation_count, definitions);
    struct listener_routes *made = calloc(1, sizeof *made);
    struct error error;

    if (made == NULL) {
        return NULL;
    }
    made->version = services->version;
    if (make_routes(services->items, services->count, definitions, count, false, &made->routes,
                    &error) != ATLAS_OK) {
        log_error("rest listener has no routes", LOG_TEXT("address", listener->address),
                  LOG_INT("epoch", table->epoch), LOG_TEXT("reason", error.text));
    }
    return made;
}

const struct rest_routes *rest_epoch_routes(struct route_table *table,
                                            const struct rest_listener *listener)
{
    const struct service_names *services = atomic_load(&listener->services);
    struct rest_epoch *epoch = epoch_of(table, listener->server);

    if (epoch == NULL || listener->index >= epoch->count) {
        return NULL;
    }
    struct listener_routes *newest = epoch->listeners[listener->index];
    if (newest == NULL || newest->version != services->version) {
        struct listener_routes *made = make_for_listener(table, listener, services);

        if (made == NULL) {
            return NULL;
        }
        made->older = newest;
        epoch->listeners[listener->index] = newest = made;
    }
    return newest->routes;
}
