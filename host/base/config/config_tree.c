/* libconfig's settings become nodes in an arena; libconfig's own memory ends with the reading. */
#include "base/config/config_tree.h"

#include "base/arena.h"
#include "base/config/config_numbers.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libconfig.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct config_node *new_node(struct arena *arena, enum config_kind kind, const char *key,
                                    const char *file, unsigned line)
{
    struct config_node *node = memory_take(arena, 1, sizeof *node);

    node->kind = kind;
    node->key = key;
    node->file = file;
    node->line = line;
    return node;
}

static enum config_kind kind_of(const config_setting_t *setting)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_STRING:
        return CONFIG_STRING;
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return CONFIG_INTEGER;
    case CONFIG_TYPE_FLOAT:
        return CONFIG_NUMBER;
    case CONFIG_TYPE_BOOL:
        return CONFIG_BOOLEAN;
    case CONFIG_TYPE_GROUP:
        return CONFIG_GROUP;
    default:
        return CONFIG_LIST;
    }
}

static void copy_value(struct arena *arena, const config_setting_t *setting,
                       struct config_node *node)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_STRING:
        node->string = memory_text(arena, config_setting_get_string(setting));
        break;
    case CONFIG_TYPE_INT:
        node->integer = config_setting_get_int(setting);
        break;
    case CONFIG_TYPE_INT64:
        node->integer = config_setting_get_int64(setting);
        break;
    case CONFIG_TYPE_FLOAT:
        node->number = config_setting_get_float(setting);
        break;
    case CONFIG_TYPE_BOOL:
        node->boolean = config_setting_get_bool(setting) != 0;
        break;
    default:
        break;
    }
}

/* file is the name to use where libconfig has none: it knows the names of included files only. */
static struct config_node *copy_setting(struct arena *arena, const config_setting_t *setting,
                                        const char *file)
{
    const char *own_file = config_setting_source_file(setting);
    struct config_node *node =
        new_node(arena, kind_of(setting), memory_text(arena, config_setting_name(setting)),
                 own_file == NULL ? file : memory_text(arena, own_file),
                 config_setting_source_line(setting));

    copy_value(arena, setting, node);
    if (node->kind == CONFIG_GROUP || node->kind == CONFIG_LIST) {
        struct config_node **end = &node->first;
        unsigned count = (unsigned)config_setting_length(setting);
        for (unsigned i = 0; i < count; i++) {
            *end = copy_setting(arena, config_setting_get_elem(setting, i), file);
            end = &(*end)->next;
        }
    }
    return node;
}

static const char *folder_of(struct arena *arena, const char *file)
{
    const char *slash = strrchr(file, '/');

    if (slash == NULL) {
        return ".";
    }
    return memory_format(arena, "%.*s", slash == file ? 1 : (int)(slash - file), file);
}

static atlas_status_t check_file(const char *file, struct error *error)
{
    struct stat info;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* libconfig would not say why not */
    int reason = fd < 0 || fstat(fd, &info) != 0 ? errno : 0;

    if (fd >= 0) {
        close(fd);
    }
    if (reason != 0) {
        return error_set(error, ATLAS_NOT_FOUND,
                         "%s: cannot be read (%s): name a file with -c that this user may read",
                         file, strerror(reason));
    }
    if (!S_ISREG(info.st_mode) || info.st_size > CONFIG_FILE_LIMIT) {
        return error_set(error, ATLAS_INVALID_ARGUMENT,
                         "%s: is no regular file of at most 1MiB: name a configuration file", file);
    }
    return ATLAS_OK;
}

static atlas_status_t parse_failure(const config_t *parser, const char *file, struct error *error)
{
    const char *where = config_error_file(parser) == NULL ? file : config_error_file(parser);

    if (config_error_type(parser) == CONFIG_ERR_FILE_IO) {
        return error_set(error, ATLAS_NOT_FOUND,
                         "%s: cannot be read: check that it exists and that "
                         "this user may read it",
                         where);
    }
    return error_set(error, ATLAS_INVALID_ARGUMENT,
                     "%s:%d: %s: settings are written key = value; groups { }, lists ( ), "
                     "and no key twice",
                     where, config_error_line(parser), config_error_text(parser));
}

/* Checks each file that nodes come from: the one that was named, and what it includes. */
static atlas_status_t check_numbers(struct arena *arena, const struct config_node *node,
                                    const char *main_file, const char **checked,
                                    struct error *error)
{
    atlas_status_t status = ATLAS_OK;

    if (strcmp(node->file, *checked) != 0) {
        bool is_included = strcmp(node->file, main_file) != 0 && node->file[0] != '/';
        const char *path =
            is_included ? memory_format(arena, "%s/%s", folder_of(arena, main_file), node->file)
                        : node->file;
        *checked = node->file;
        status = config_numbers_check_file(path, error);
    }
    for (const struct config_node *member = node->first; member != NULL && status == ATLAS_OK;
         member = member->next) {
        status = check_numbers(arena, member, main_file, checked, error);
    }
    return status;
}

atlas_status_t config_tree_read(struct arena *arena, const char *file,
                                struct config_node **ret_root, struct error *error)
{
    config_t parser;

    atlas_status_t status = check_file(file, error);
    if (status != ATLAS_OK) {
        return status;
    }
    config_init(&parser);
    config_set_include_dir(&parser, folder_of(arena, file));
    if (config_read_file(&parser, file) == CONFIG_TRUE) {
        const char *checked = "";
        *ret_root = copy_setting(arena, config_root_setting(&parser), memory_text(arena, file));
        status = check_numbers(arena, *ret_root, file, &checked, error);
    } else {
        status = parse_failure(&parser, file, error);
    }
    config_destroy(&parser);
    return status;
}

static void clear_lines(struct config_node *node)
{
    node->line = 0;
    for (struct config_node *member = node->first; member != NULL; member = member->next) {
        clear_lines(member);
    }
}

/* The value as libconfig reads it, or the text itself as a string. */
static struct config_node *read_value(struct arena *arena, const char *text, const char *source)
{
    struct config_node *node = NULL;
    config_t parser;

    config_init(&parser);
    if (config_read_string(&parser, memory_format(arena, "value = %s;", text)) == CONFIG_TRUE &&
        config_setting_length(config_root_setting(&parser)) == 1) {
        node =
            copy_setting(arena, config_setting_get_elem(config_root_setting(&parser), 0), source);
        clear_lines(node);
    } else {
        node = new_node(arena, CONFIG_STRING, NULL, source, 0);
        node->string = memory_text(arena, text);
    }
    config_destroy(&parser);
    return node;
}

atlas_status_t config_tree_setting(struct arena *arena, const char *setting,
                                   struct config_node **ret_root, struct error *error)
{
    const char *source = memory_format(arena, "-D %s", setting);
    char *path = memory_text(arena, setting);
    char *equals = strchr(path, '=');

    if (equals == NULL || equals == path) {
        return error_set(error, ATLAS_INVALID_ARGUMENT,
                         "-D %s: is no setting: write it like -D postgres.port=5433", setting);
    }
    *equals = '\0';

    struct config_node *node = read_value(arena, equals + 1, source);
    if (node->kind != CONFIG_STRING) { /* which may be any text, as of a path */
        atlas_status_t status = config_numbers_check(equals + 1, source, false, error);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    for (char *dot = strrchr(path, '.'); dot != NULL; dot = strrchr(path, '.')) {
        struct config_node *parent = new_node(arena, CONFIG_GROUP, NULL, source, 0);
        node->key = dot + 1;
        parent->first = node;
        node = parent;
        *dot = '\0';
    }
    node->key = path;
    *ret_root = new_node(arena, CONFIG_GROUP, NULL, source, 0);
    (*ret_root)->first = node;
    return ATLAS_OK;
}

/* The place that a member of an overlay goes to: the pointer to the node with that key or name. */
static struct config_node **find_slot(struct config_node *base, const char *key)
{
    struct config_node **slot = &base->first;

    for (; *slot != NULL; slot = &(*slot)->next) {
        const struct config_node *name = config_tree_find(*slot, "name");
        const char *own = base->kind == CONFIG_GROUP                    ? (*slot)->key
                          : name != NULL && name->kind == CONFIG_STRING ? name->string
                                                                        : NULL;
        if (own != NULL && strcmp(own, key) == 0) {
            break;
        }
    }
    return slot;
}

/* A member of an overlay that is new in a list of named groups gets its key as its name. */
static void name_element(struct arena *arena, struct config_node *element)
{
    struct config_node *name = NULL;

    if (element->kind == CONFIG_GROUP && config_tree_find(element, "name") == NULL) {
        name = new_node(arena, CONFIG_STRING, "name", element->file, element->line);
        name->string = element->key;
        name->next = element->first;
        element->first = name;
    }
    element->key = NULL;
}

void config_tree_overlay(struct arena *arena, struct config_node *base, struct config_node *over)
{
    struct config_node *next = NULL;

    for (struct config_node *member = over->first; member != NULL; member = next) {
        next = member->next;
        struct config_node **slot = find_slot(base, member->key);
        struct config_node *old = *slot;
        if (old != NULL && member->kind == CONFIG_GROUP &&
            (old->kind == CONFIG_GROUP || old->kind == CONFIG_LIST)) {
            config_tree_overlay(arena, old, member);
            continue;
        }
        if (base->kind == CONFIG_LIST) {
            name_element(arena, member);
        }
        member->next = old == NULL ? NULL : old->next;
        *slot = member;
    }
}

const struct config_node *config_tree_find(const struct config_node *group, const char *key)
{
    if (group == NULL || group->kind != CONFIG_GROUP) {
        return NULL;
    }
    for (const struct config_node *node = group->first; node != NULL; node = node->next) {
        if (node->key != NULL && strcmp(node->key, key) == 0) {
            return node;
        }
    }
    return NULL;
}

const char *config_tree_place(struct arena *arena, const struct config_node *node)
{
    if (node->file == NULL) {
        return "configuration";
    }
    return node->line == 0 ? node->file : memory_format(arena, "%s:%u", node->file, node->line);
}

const char *config_tree_path(struct arena *arena, const struct config_node *node, const char *path)
{
    if (path[0] == '/' || node->file == NULL || node->line == 0) {
        return memory_text(arena, path);
    }
    return memory_format(arena, "%s/%s", folder_of(arena, node->file), path);
}

const char *config_tree_describe(struct arena *arena, const struct config_node *node)
{
    switch (node->kind) {
    case CONFIG_GROUP:
        return "a group { }";
    case CONFIG_LIST:
        return "a list ( )";
    case CONFIG_STRING:
        return memory_format(arena, "the string \"%.64s\"", node->string);
    case CONFIG_INTEGER:
        return memory_format(arena, "the number %" PRId64, node->integer);
    case CONFIG_NUMBER:
        return memory_format(arena, "the number %g", node->number);
    case CONFIG_BOOLEAN:
    default:
        return node->boolean ? "true" : "false";
    }
}
