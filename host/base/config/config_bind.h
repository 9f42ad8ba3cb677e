/*
 * From a group of the configuration to a C struct, by a table of fields: type, bounds and default
 * of each key stand in one line, and everything that is wrong becomes a finding.
 */
#ifndef BASE_CONFIG_BIND_H
#define BASE_CONFIG_BIND_H

#include "base/config/config_tree.h"
#include "base/units.h"

struct report;

enum config_field_type {
    CONFIG_FIELD_TEXT = 0,  /* const char * */
    CONFIG_FIELD_PATH = 1,  /* const char *, made relative to the folder of the file it stands in */
    CONFIG_FIELD_WHOLE = 2, /* int64_t */
    CONFIG_FIELD_DURATION = 3, /* int64_t, milliseconds */
    CONFIG_FIELD_SIZE = 4,     /* int64_t, bytes */
    CONFIG_FIELD_FLAG = 5,     /* bool */
    CONFIG_FIELD_CHOICE = 6,   /* int: index into choices */
    CONFIG_FIELD_ADDRESS = 7,  /* struct config_address */
    CONFIG_FIELD_TEXTS = 8,    /* struct config_texts */
    CONFIG_FIELD_TREE = 9,     /* const struct config_node *, NULL if absent; its user checks it */
};

/* "host:port"; an IPv6 address stands in brackets: "[::1]:50051". */
struct config_address {
    const char *text; /* NULL: none was given */
    const char *host; /* without brackets */
    uint16_t port;
};

struct config_texts {
    const char **items;
    size_t count;
};

struct config_field {
    const char *key;
    enum config_field_type type;
    size_t offset; /* of the member in the struct */
    const char
        *fallback; /* the default as the file would have it, without quotes; NULL: must be given */
    struct units_bounds bounds;
    const char *const *choices; /* ended by NULL */
};

/* Where binding takes memory and puts findings. */
struct config_binding {
    struct arena *arena;
    struct report *report;
};

/*
 * Fills target from group by the table. group may be NULL: all defaults. path is what stands before
 * the key in findings ("redis", or "" at the top). Unknown keys, wrong types, values out of bounds
 * and missing keys are added to the report; the members concerned keep their defaults or zero.
 */
void config_bind(const struct config_binding *binding, const struct config_node *group,
                 const char *path, const struct config_field *fields, size_t count, void *target);

/* Adds a finding "place: path.key: text". */
__attribute__((format(printf, 5, 6))) void config_finding(const struct config_binding *binding,
                                                          const struct config_node *node,
                                                          const char *path, const char *key,
                                                          const char *format, ...);

/* Adds a finding for a key that no one knows, with the nearest of the known ones if one is near. */
void config_unknown_key(const struct config_binding *binding, const struct config_node *node,
                        const char *path, const char *const *known, size_t count);

/* Reads "host:port". False if it is none: then ret_address is untouched. Host may be a name. */
bool config_parse_address(struct arena *arena, const char *text,
                          struct config_address *ret_address);

#endif
