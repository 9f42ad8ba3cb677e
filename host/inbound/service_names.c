#include "inbound/service_names.h"

#include <stdlib.h>
#include <string.h>

struct service_names *service_names_create(const char *const *items, size_t count, unsigned version)
{
    size_t size = sizeof(struct service_names) + count * sizeof(const char *);
    size_t text_size = 0;
    for (size_t i = 0; i < count; i++) {
        text_size += strlen(items[i]) + 1;
    }
    struct service_names *names = malloc(size + text_size);
    if (names == NULL) {
        return NULL;
    }
    char *text = (char *)names + size;
    names->version = version;
    names->count = count;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(items[i]) + 1;
        names->items[i] = memcpy(text, items[i], len);
        text += len;
    }
    return names;
}

void service_names_free(struct service_names *names)
{
    free(names);
}

bool service_names_have(const struct service_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}
