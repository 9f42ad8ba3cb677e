/* The routes of the listeners for one route table: made on the loop when the first request meets a
 * new table, freed with it. So they follow every reload. */
#include "inbound/rest/rest_epoch.h"

#include <stdlib.h>

#include "base/log.h"
#include "inbound/rest/rest_definitions.h"
#include "inbound/rest/rest_routes.h"
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
    struct rest_definition definitions[CONFIG_PLUGINS_MAX];
    size_t count = rest_definitions_of(table->generations, table->generation_count, definitions);
    struct listener_routes *made = calloc(1, sizeof *made);
    struct error error;

    if (made == NULL) {
        return NULL;
    }
    made->version = services->version;
    if (rest_definitions_routes(services->items, services->count, definitions, count, &made->routes,
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
