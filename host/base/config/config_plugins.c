/* The group "plugins" of the configuration, where plugin files are looked for, and passwords. */
#include "base/config/config_plugins.h"

#include "base/arena.h"
#include "base/memory.h"
#include "base/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECRET_LIMIT 1024
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void read_secret_file(const struct config_binding *binding, struct config_secret *secret,
                             const char *path)
{
    char line[SECRET_LIMIT];
    FILE *file = fopen(secret->file, "re");

    if (file == NULL || fgets(line, sizeof line, file) == NULL) {
        report_add(binding->report,
                   "configuration: %s.password_file: %s cannot be read (%s): write "
                   "the password into its first line",
                   path, secret->file, file == NULL ? strerror(errno) : "it is empty");
    } else {
        line[strcspn(line, "\r\n")] = '\0';
        secret->text = memory_text(binding->arena, line);
    }
    if (file != NULL) {
        fclose(file);
    }
}

void config_read_secret(const struct config_binding *binding, struct config_secret *secret,
                        const char *path)
{
    int given =
        (secret->text[0] != '\0') + (secret->file[0] != '\0') + (secret->variable[0] != '\0');

    if (given > 1) {
        report_add(binding->report,
                   "configuration: %s: password, password_file and password_env "
                   "exclude each other: keep one",
                   path);
    } else if (secret->file[0] != '\0') {
        read_secret_file(binding, secret, path);
    } else if (secret->variable[0] != '\0') {
        const char *value = getenv(secret->variable);
        if (value == NULL) {
            report_add(binding->report,
                       "configuration: %s.password_env: the variable %s is not set: "
                       "export it",
                       path, secret->variable);
            value = "";
        }
        secret->text = memory_text(binding->arena, value);
    }
}

/* Where a plugin's file is: as given if it holds a "/", else the first folder that has it. */
static const char *find_plugin_file(const struct config_binding *binding,
                                    const struct config *config, const char *name)
{
    const char *path = name;

    if (strchr(name, '/') != NULL) {
        return name;
    }
    for (size_t i = 0; i < config->plugin_path.count; i++) {
        path = memory_format(binding->arena, "%s/%s", config->plugin_path.items[i], name);
        if (access(path, F_OK) == 0) {
            break;
        }
    }
    return path;
}

/* What stands in plugins = { <id> = { ... } }. */
struct plugin_top {
    const char *path;
    const struct config_node *config;
    const struct config_node *postgres;
};

static const struct config_field plugin_fields[] = {
    {"path", CONFIG_FIELD_TEXT, offsetof(struct plugin_top, path), "", {0, 0}, NULL},
    {"config", CONFIG_FIELD_TREE, offsetof(struct plugin_top, config), "", {0, 0}, NULL},
    {"postgres", CONFIG_FIELD_TREE, offsetof(struct plugin_top, postgres), "", {0, 0}, NULL},
};

#define PLUGIN_TEXT(key, type, member)                                                             \
    {                                                                                              \
        key, type, offsetof(struct config_plugin, member), "", {0, 0}, NULL                        \
    }

static const struct config_field plugin_postgres_fields[] = {
    PLUGIN_TEXT("user", CONFIG_FIELD_TEXT, postgres_user),
    PLUGIN_TEXT("password", CONFIG_FIELD_TEXT, postgres_password.text),
    PLUGIN_TEXT("password_file", CONFIG_FIELD_PATH, postgres_password.file),
    PLUGIN_TEXT("password_env", CONFIG_FIELD_TEXT, postgres_password.variable),
};

static void bind_plugin(const struct config_binding *binding, const struct config *config,
                        const struct config_node *node, struct config_plugin *plugin)
{
    struct plugin_top top = {0};
    const char *path = memory_format(binding->arena, "plugins.%s", node->key);

    config_bind(binding, node, path, plugin_fields, COUNT(plugin_fields), &top);
    plugin->id = node->key;
    plugin->node = node;
    plugin->config = top.config;
    if (top.path == NULL || top.path[0] == '\0') {
        top.path = memory_format(binding->arena, "%s.so", node->key);
    } else if (strchr(top.path, '/') != NULL) {
        top.path = config_tree_path(binding->arena, config_tree_find(node, "path"), top.path);
    }
    plugin->path = find_plugin_file(binding, config, top.path);

    path = memory_format(binding->arena, "%s.postgres", path);
    config_bind(binding, top.postgres, path, plugin_postgres_fields, COUNT(plugin_postgres_fields),
                plugin);
    config_read_secret(binding, &plugin->postgres_password, path);
    if (plugin->postgres_user[0] == '\0') {
        plugin->postgres_user = memory_format(binding->arena, "atlas_%s", node->key);
    }
}

void config_bind_plugins(const struct config_binding *binding, struct config *config,
                         const struct config_node *group)
{
    size_t count = 0;

    if (group == NULL || group->kind != CONFIG_GROUP) {
        config_finding(binding, group, "", "plugins",
                       "is %s: give a group plugins = { <id> = { path = \"<id>.so\"; }; }",
                       group == NULL ? "missing" : config_tree_describe(binding->arena, group));
        return;
    }
    for (const struct config_node *node = group->first; node != NULL; node = node->next) {
        count++;
    }
    config->plugins = memory_take(binding->arena, count, sizeof *config->plugins);
    for (const struct config_node *node = group->first; node != NULL; node = node->next) {
        bind_plugin(binding, config, node, &config->plugins[config->plugin_count++]);
    }
}

/* Folders of plugin_path: "$ORIGIN" is the program's, a relative one stands beside the file. */
void config_resolve_plugin_path(const struct config_binding *binding, struct config *config,
                                const struct config_node *root, const char *program_folder)
{
    static const char *defaults[] = {"$ORIGIN/../lib/atlas/plugins", "$ORIGIN/../plugins"};
    static const char origin[] = "$ORIGIN";
    const struct config_node *node = config_tree_find(root, "plugin_path");
    struct config_texts *path = &config->plugin_path;

    if (path->count == 0) {
        path->items = memory_take(binding->arena, COUNT(defaults), sizeof *path->items);
        memcpy(path->items, defaults, sizeof defaults);
        path->count = COUNT(defaults);
    }
    for (size_t i = 0; i < path->count; i++) {
        if (strncmp(path->items[i], origin, sizeof origin - 1) == 0) {
            path->items[i] = memory_format(binding->arena, "%s%s", program_folder,
                                           path->items[i] + sizeof origin - 1);
        } else if (node != NULL) {
            path->items[i] = config_tree_path(binding->arena, node, path->items[i]);
        }
    }
}
