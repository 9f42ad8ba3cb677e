/*
 * Routes: from "/package.Service/Method" to a generation's handler. A table is immutable; every
 * loop has a copy of the newest one and keeps older ones as long as calls of their epoch run there.
 */
#ifndef RUNTIME_ROUTER_H
#define RUNTIME_ROUTER_H

#include "base/loop.h"
#include "runtime/generation.h"

struct route {
    const char *path; /* "/atlas.order.v1.Order/GetOrder" */
    size_t path_len;
    const struct atlas_service *service;
    const struct atlas_method *method;
    struct generation *generation;
    unsigned method_index; /* among all methods of the generation */
};

static inline bool route_is_unary(const struct route *route)
{
    return (route->method->flags &
            (ATLAS_METHOD_CLIENT_STREAMING | ATLAS_METHOD_SERVER_STREAMING)) == 0;
}

struct route_table_owner;

struct route_table {
    uint64_t epoch;
    unsigned references; /* the worker's own and one per call; on its loop only */
    struct route_table_owner *owner;
    struct loop_task retired;        /* the owner's, for its way back */
    struct generation **generations; /* that the table keeps loaded */
    size_t generation_count;
    struct route *routes;
    size_t route_count;
    uint32_t *slots; /* open addressing: index + 1 */
    size_t slot_count;
    void *rest; /* of the REST listener, made lazily on the loop; freed by rest_free */
    void (*rest_free)(void *rest);
};

/* Who made a table and frees it: it is told on the table's loop when nobody uses it there any more.
 */
struct route_table_owner {
    void (*retire)(struct route_table_owner *owner, struct route_table *table);
};

/* Makes a table of the services of these generations. ALREADY_EXISTS if two serve the same service.
 */
atlas_status_t route_table_create(struct route_table_owner *owner, uint64_t epoch,
                                  struct generation *const *generations, size_t count,
                                  struct route_table **ret_table, struct error *error);
void route_table_free(struct route_table *table);

/* The route of a path, or NULL. */
const struct route *route_table_find(const struct route_table *table, const char *path, size_t len);

/* True if the table has a service of that name: an unknown method of it is another error. */
bool route_table_has_service(const struct route_table *table, const char *name, size_t len);

/* Counts one more user. On the loop. */
struct route_table *route_table_acquire(struct route_table *table);

/* One user less; at zero the owner is told, which frees the table. On the loop. */
void route_table_release(struct route_table *table);

#endif
