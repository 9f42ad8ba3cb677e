/* A bounded list of generations. */
#ifndef RUNTIME_RELOAD_GENERATION_LIST_H
#define RUNTIME_RELOAD_GENERATION_LIST_H

#include <string.h>

#include "base/config/config.h"
#include "runtime/generation.h"

struct generation_list {
    struct generation *items[CONFIG_PLUGINS_MAX * CONFIG_GENERATIONS_MAX];
    size_t count;
};

static inline void list_add(struct generation_list *list, struct generation *generation)
{
    list->items[list->count++] = generation;
}

static inline bool list_has(const struct generation_list *list, const struct generation *generation)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i] == generation) {
            return true;
        }
    }
    return false;
}

static inline void list_remove(struct generation_list *list, const struct generation *generation)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i] == generation) {
            list->items[i] = list->items[--list->count];
            return;
        }
    }
}

/* The first of that plugin, or NULL. */
static inline struct generation *list_find(const struct generation_list *list, const char *id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i]->id, id) == 0) {
            return list->items[i];
        }
    }
    return NULL;
}

#endif
