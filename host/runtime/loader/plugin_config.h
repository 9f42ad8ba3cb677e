/*
 * The configuration of one plugin: the group "config" of etc/atlas.cfg, checked against the keys of
 * the manifest, as the plugin reads it in create() and check().
 */
#ifndef RUNTIME_LOADER_PLUGIN_CONFIG_H
#define RUNTIME_LOADER_PLUGIN_CONFIG_H

#include "atlas/config.h"
#include "base/digest.h"

struct config_node;
struct manifest;
struct plugin_config;
struct report;

/*
 * Makes it from the manifest and the group (NULL: empty). Everything wrong goes to the report with
 * file, line and key under "plugins.<id>.config"; NULL if anything is. Copies what it needs. place
 * stands for the file where a key is missing: "etc/atlas.cfg:12".
 */
struct plugin_config *plugin_config_create(const struct manifest *manifest,
                                           const struct config_node *group, const char *place,
                                           struct report *report);

/* Frees it. NULL is allowed. */
void plugin_config_destroy(struct plugin_config *config);

/* What the plugin gets. Borrowed. */
const struct atlas_config *plugin_config_public(const struct plugin_config *config);

/* The first key that the plugin asked for without declaring it with that type, as "key (type)";
 * NULL if there was none. create() is failed then. Borrowed. */
const char *plugin_config_misuse(const struct plugin_config *config);

/* SHA-256 over all keys and values in the order of the manifest. */
const uint8_t *plugin_config_digest(const struct plugin_config *config);

#endif
