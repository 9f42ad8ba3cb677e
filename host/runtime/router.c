#include "runtime/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash(const char *text, size_t len)
{
    uint64_t h = UINT64_C(0x9e3779b97f4a7c15) ^ len;
    while (len >= 8) {
        uint64_t word;
        memcpy(&word, text, 8);
        h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 32;
        text += 8;
        len -= 8;
    }
    uint64_t word = 0;
    memcpy(&word, text, len);
    h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
    return h ^ h >> 29;
}

static size_t count_methods(struct generation *const *generations, size_t count)
{
    size_t methods = 0;
    for (size_t g = 0; g < count; g++) {
        methods += generation_method_count(generations[g]);
    }
    return methods;
}

static atlas_status_t add_route(struct route_table *table, struct generation *generation,
                                const struct atlas_service *service,
                                const struct atlas_method *method, unsigned method_index,
                                struct error *error)
{
    size_t len = strlen(service->name) + strlen(method->name) + 2;
    char *path = malloc(len + 1);
    if (path == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "routes: out of memory");
    }
    snprintf(path, len + 1, "/%s/%s", service->name, method->name);
    const struct route *other = route_table_find(table, path, len);
    if (other != NULL) {
        free(path);
        return error_set(error, ATLAS_ALREADY_EXISTS,
                         "service %s is served by plugin %s and by plugin %s; put one of them into "
                         "another process",
                         service->name, other->generation->id, generation->id);
    }
    uint32_t index = (uint32_t)table->route_count++;
    table->routes[index] = (struct route){.path = path,
                                          .path_len = len,
                                          .service = service,
                                          .method = method,
                                          .generation = generation,
                                          .method_index = method_index};
    size_t slot = hash(path, len) & (table->slot_count - 1);
    while (table->slots[slot] != 0) {
        slot = (slot + 1) & (table->slot_count - 1);
    }
    table->slots[slot] = index + 1;
    return ATLAS_OK;
}

static atlas_status_t add_generation(struct route_table *table, struct generation *generation,
                                     struct error *error)
{
    table->generations[table->generation_count++] = generation;
    const struct atlas_plugin *plugin = &generation->plugin;
    unsigned method_index = 0;
    for (size_t s = 0; s < plugin->service_count; s++) {
        const struct atlas_service *service = plugin->services[s];
        for (size_t m = 0; m < service->method_count; m++) {
            atlas_status_t status =
                add_route(table, generation, service, &service->methods[m], method_index++, error);
            if (status != ATLAS_OK) {
                return status;
            }
        }
    }
    return ATLAS_OK;
}

static struct route_table *allocate(size_t generations, size_t routes)
{
    struct route_table *table = calloc(1, sizeof *table);
    if (table == NULL) {
        return NULL;
    }
    table->slot_count = 16;
    while (table->slot_count < routes * 2) {
        table->slot_count *= 2;
    }
    table->slots = calloc(table->slot_count, sizeof *table->slots);
    table->routes = calloc(routes + 1, sizeof *table->routes);
    table->generations = calloc(generations + 1, sizeof(struct generation *));
    if (table->slots == NULL || table->routes == NULL || table->generations == NULL) {
        route_table_free(table);
        return NULL;
    }
    return table;
}

atlas_status_t route_table_create(struct route_table_owner *owner, uint64_t epoch,
                                  struct generation *const *generations, size_t count,
                                  struct route_table **ret_table, struct error *error)
{
    struct route_table *table = allocate(count, count_methods(generations, count));
    if (table == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "routes: out of memory");
    }
    table->owner = owner;
    table->epoch = epoch;
    table->references = 1;
    for (size_t i = 0; i < count; i++) {
        atlas_status_t status = add_generation(table, generations[i], error);
        if (status != ATLAS_OK) {
            route_table_free(table);
            return status;
        }
    }
    *ret_table = table;
    return ATLAS_OK;
}

void route_table_free(struct route_table *table)
{
    if (table == NULL) {
        return;
    }
    if (table->rest_free != NULL) {
        table->rest_free(table->rest);
    }
    for (size_t i = 0; i < table->route_count; i++) {
        free((char *)(uintptr_t)table->routes[i].path);
    }
    free(table->routes);
    free(table->slots);
    free(table->generations);
    free(table);
}

const struct route *route_table_find(const struct route_table *table, const char *path, size_t len)
{
    size_t slot = hash(path, len) & (table->slot_count - 1);
    while (table->slots[slot] != 0) {
        const struct route *route = &table->routes[table->slots[slot] - 1];
        if (route->path_len == len && memcmp(route->path, path, len) == 0) {
            return route;
        }
        slot = (slot + 1) & (table->slot_count - 1);
    }
    return NULL;
}

bool route_table_has_service(const struct route_table *table, const char *name, size_t len)
{
    for (size_t i = 0; i < table->route_count; i++) {
        const char *service = table->routes[i].service->name;
        if (strlen(service) == len && memcmp(service, name, len) == 0) {
            return true;
        }
    }
    return false;
}

struct route_table *route_table_acquire(struct route_table *table)
{
    table->references++;
    return table;
}

void route_table_release(struct route_table *table)
{
    if (--table->references == 0) {
        table->owner->retire(table->owner, table);
    }
}
