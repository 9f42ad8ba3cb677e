/* The groups of the configuration that hold single values: bounds, timeouts and servers. */
#ifndef BASE_CONFIG_LIMITS_H
#define BASE_CONFIG_LIMITS_H

#include "base/config/config_bind.h"

/* One group at the top of the file: where it goes and its fields. */
struct config_group {
    const char *key;
    size_t offset; /* in struct config */
    const struct config_field *fields;
    size_t count;
};

extern const struct config_group config_groups[];
extern const size_t config_group_count;

#endif
