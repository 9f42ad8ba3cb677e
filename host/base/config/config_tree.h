/*
 * A configuration as a tree of named values, each with the place where it was written. This module
 * alone knows libconfig.
 *
 * A tree is read from a file, and later files and "path=value" settings may lie over it: a group
 * merges into a group, a group also into a list of groups that have a name
 * ("listeners.gateway.address=..."), anything else replaces what was there. @include is relative to
 * the folder of the file that was named.
 */
#ifndef BASE_CONFIG_TREE_H
#define BASE_CONFIG_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct arena;

enum config_kind {
    CONFIG_GROUP = 0,
    CONFIG_LIST = 1,
    CONFIG_STRING = 2,
    CONFIG_INTEGER = 3,
    CONFIG_NUMBER = 4,
    CONFIG_BOOLEAN = 5,
};

struct config_node {
    enum config_kind kind;
    unsigned line;             /* 0: no line, file says where it comes from */
    const char *file;          /* NULL: nothing was written, this stands for defaults */
    const char *key;           /* NULL in a list and for the root */
    struct config_node *first; /* members of a group or list, in the order of the file */
    struct config_node *next;  /* the next member of the same parent */
    const char *string;
    int64_t integer;
    double number;
    bool boolean;
};

/* A configuration file larger than this is refused. */
#define CONFIG_FILE_LIMIT (1 << 20)

/*
 * Reads a file into a tree that lives in the arena. INVALID_ARGUMENT with file, line and the
 * parser's words; NOT_FOUND if the file cannot be read. Blocks on the disk.
 */
atlas_status_t config_tree_read(struct arena *arena, const char *file,
                                struct config_node **ret_root, struct error *error);

/*
 * Makes a tree of one setting "a.b.c=value" from the command line. The value is read as the file
 * would read it; what that cannot read counts as a string. INVALID_ARGUMENT without a path or "=".
 */
atlas_status_t config_tree_setting(struct arena *arena, const char *setting,
                                   struct config_node **ret_root, struct error *error);

/* Lays a tree over another; both live in the same arena and belong together afterwards. */
void config_tree_overlay(struct arena *arena, struct config_node *base, struct config_node *over);

/* The member with that key, or NULL; group may be NULL. Borrowed. */
const struct config_node *config_tree_find(const struct config_node *group, const char *key);

/* "etc/atlas.cfg:12", from the arena. */
const char *config_tree_place(struct arena *arena, const struct config_node *node);

/* A path as it is meant where it was written: relative to the folder of its file, or to the current
 * folder if it comes from the command line. From the arena. */
const char *config_tree_path(struct arena *arena, const struct config_node *node, const char *path);

/* "a group", "a list", "the string \"x\"", "the number 5": for messages. From the arena. */
const char *config_tree_describe(struct arena *arena, const struct config_node *node);

#endif
