/* Files and settings are laid over each other, then bound, then checked as a whole. */
#include "base/config/config_load.h"

#include "base/arena.h"
#include "base/config/config_check.h"
#include "base/config/config_limits.h"
#include "base/config/config_plugins.h"
#include "base/memory.h"
#include "base/report.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GROUPS_MAX   16
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const protocols[] = {"grpc", "rest", NULL};

/* The top of the file: its single values, and the groups and lists to be read after it. */
struct top {
    struct config config;
    const struct config_node *processes;
    const struct config_node *listeners;
    const struct config_node *placements;
    const struct config_node *plugins;
    const struct config_node *groups[GROUPS_MAX];
};

#define TREE(key, member)                                                                          \
    {                                                                                              \
        key, CONFIG_FIELD_TREE, offsetof(struct top, member), "", {0, 0}, NULL                     \
    }

static const struct config_field top_fields[] = {
    {"run_dir", CONFIG_FIELD_PATH, offsetof(struct top, config.run_dir), "run", {0, 0}, NULL},
    {"plugin_path", CONFIG_FIELD_TEXTS, offsetof(struct top, config.plugin_path), "", {0, 0}, NULL},
    TREE("processes", processes),
    TREE("listeners", listeners),
    TREE("placements", placements),
    TREE("plugins", plugins),
};

static const struct config_field process_fields[] = {
    {"name", CONFIG_FIELD_TEXT, offsetof(struct config_process, name), NULL, {0, 0}, NULL},
    {"plugins", CONFIG_FIELD_TEXTS, offsetof(struct config_process, plugins), NULL, {0, 0}, NULL},
    {"loops",
     CONFIG_FIELD_WHOLE,
     offsetof(struct config_process, loops),
     "0",
     {0, CONFIG_LOOPS_MAX},
     NULL},
    {"admin", CONFIG_FIELD_ADDRESS, offsetof(struct config_process, admin), "", {0, 0}, NULL},
};

static const struct config_field listener_fields[] = {
    {"name", CONFIG_FIELD_TEXT, offsetof(struct config_listener, name), NULL, {0, 0}, NULL},
    {"protocol",
     CONFIG_FIELD_CHOICE,
     offsetof(struct config_listener, protocol),
     NULL,
     {0, 0},
     protocols},
    {"address",
     CONFIG_FIELD_ADDRESS,
     offsetof(struct config_listener, address),
     NULL,
     {0, 0},
     NULL},
    {"services",
     CONFIG_FIELD_TEXTS,
     offsetof(struct config_listener, services),
     NULL,
     {0, 0},
     NULL},
    {"trusts_identity",
     CONFIG_FIELD_FLAG,
     offsetof(struct config_listener, trusts_identity),
     "false",
     {0, 0},
     NULL},
};

static const struct config_field placement_fields[] = {
    {"service", CONFIG_FIELD_TEXT, offsetof(struct config_placement, service), NULL, {0, 0}, NULL},
    {"address",
     CONFIG_FIELD_ADDRESS,
     offsetof(struct config_placement, address),
     NULL,
     {0, 0},
     NULL},
};

/* A list of groups becomes an array of structs. Returns the array, of ret_count elements. */
static void *bind_list(const struct config_binding *binding, const struct config_node *list,
                       const char *key, const struct config_field *fields, size_t field_count,
                       size_t size, size_t *ret_count)
{
    size_t count = 0;

    *ret_count = 0;
    if (list == NULL) {
        return NULL;
    }
    if (list->kind != CONFIG_LIST) {
        report_add(binding->report, "%s: %s: is %s: give a list ( { ... }, ... )",
                   config_tree_place(binding->arena, list), key,
                   config_tree_describe(binding->arena, list));
        return NULL;
    }
    for (const struct config_node *item = list->first; item != NULL; item = item->next) {
        count++;
    }

    char *array = memory_take(binding->arena, count, size);
    for (const struct config_node *item = list->first; item != NULL; item = item->next) {
        const struct config_node *name = config_tree_find(item, "name");
        const char *path = name != NULL && name->kind == CONFIG_STRING
                               ? memory_format(binding->arena, "%s.%s", key, name->string)
                               : memory_format(binding->arena, "%s[%zu]", key, *ret_count);
        config_bind(binding, item, path, fields, field_count, array + *ret_count * size);
        (*ret_count)++;
    }
    return array;
}

/* The keys at the top are its own and one per group of limits. */
static void bind_top(const struct config_binding *binding, const struct config_node *root,
                     struct top *top)
{
    struct config_field fields[COUNT(top_fields) + GROUPS_MAX];
    size_t count = COUNT(top_fields);

    memcpy(fields, top_fields, sizeof top_fields);
    for (size_t i = 0; i < config_group_count && i < GROUPS_MAX; i++) {
        fields[count++] =
            (struct config_field){config_groups[i].key,
                                  CONFIG_FIELD_TREE,
                                  offsetof(struct top, groups) + i * sizeof top->groups[0],
                                  "",
                                  {0, 0},
                                  NULL};
    }
    config_bind(binding, root, "", fields, count, top);
}

static void bind_groups(const struct config_binding *binding, const struct top *top,
                        struct config *config)
{
    for (size_t i = 0; i < config_group_count && i < GROUPS_MAX; i++) {
        const struct config_group *group = &config_groups[i];
        config_bind(binding, top->groups[i], group->key, group->fields, group->count,
                    (char *)config + group->offset);
    }
    config_read_secret(binding, &config->postgres.password, "postgres");
    config_read_secret(binding, &config->redis.password, "redis");
}

static void bind_lists(const struct config_binding *binding, const struct top *top,
                       struct config *config)
{
    config->processes =
        bind_list(binding, top->processes, "processes", process_fields, COUNT(process_fields),
                  sizeof *config->processes, &config->process_count);
    config->listeners =
        bind_list(binding, top->listeners, "listeners", listener_fields, COUNT(listener_fields),
                  sizeof *config->listeners, &config->listener_count);
    config->placements =
        bind_list(binding, top->placements, "placements", placement_fields, COUNT(placement_fields),
                  sizeof *config->placements, &config->placement_count);
}

static void count_loops(struct config *config)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    for (size_t i = 0; i < config->process_count; i++) {
        if (config->processes[i].loops == 0) {
            config->processes[i].loops = cores < 1                  ? 1
                                         : cores > CONFIG_LOOPS_MAX ? CONFIG_LOOPS_MAX
                                                                    : cores;
        }
    }
}

/* One tree of all files and settings; NULL after a finding. */
static struct config_node *read_tree(const struct config_binding *binding,
                                     const struct config_source *source)
{
    struct config_node *root = NULL;
    struct config_node *over = NULL;
    struct error error;
    bool is_read = true;

    for (size_t i = 0; i < source->file_count + source->setting_count; i++) {
        size_t setting = i - source->file_count;
        atlas_status_t status =
            i < source->file_count
                ? config_tree_read(binding->arena, source->files[i], &over, &error)
                : config_tree_setting(binding->arena, source->settings[setting], &over, &error);
        if (status != ATLAS_OK) {
            report_add(binding->report, "%s", error.text);
            is_read = false;
        } else if (root == NULL) {
            root = over;
        } else {
            config_tree_overlay(binding->arena, root, over);
        }
    }
    return is_read ? root : NULL;
}

static struct config *bind_config(const struct config_binding *binding,
                                  const struct config_source *source,
                                  const struct config_node *root)
{
    struct top top = {0};
    struct config *config = memory_take(binding->arena, 1, sizeof *config);

    bind_top(binding, root, &top);
    *config = top.config;
    config->arena = binding->arena;
    bind_groups(binding, &top, config);
    bind_lists(binding, &top, config);
    count_loops(config);
    config_resolve_plugin_path(binding, config, root, source->program_folder);
    config_bind_plugins(binding, config, top.plugins);
    return config;
}

struct config *config_load(const struct config_source *source, struct report *report)
{
    struct arena *arena = calloc(1, sizeof *arena);
    struct config *config = NULL;
    size_t findings = report->count;

    if (arena == NULL) {
        report_add(report, "configuration: no memory to read it");
        return NULL;
    }
    arena_init(arena, NULL, SIZE_MAX);

    struct config_binding binding = {arena, report};
    const struct config_node *root = read_tree(&binding, source);
    if (root != NULL) {
        config = bind_config(&binding, source, root);
        if (report->count == findings) {
            config_check(&binding, config);
        }
    }
    if (report->count != findings) {
        arena_finish(arena);
        free(arena);
        return NULL;
    }
    return config;
}

void config_release(struct config *config)
{
    if (config != NULL) {
        struct arena *arena = config->arena;
        arena_finish(arena);
        free(arena);
    }
}
