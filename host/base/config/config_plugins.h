/* Parts of config_load: plugins, the folders that they are looked for in, and passwords. */
#ifndef BASE_CONFIG_PLUGINS_H
#define BASE_CONFIG_PLUGINS_H

#include "base/config/config.h"

/* Replaces the folders of plugin_path by paths that can be opened; program_folder is "$ORIGIN". */
void config_resolve_plugin_path(const struct config_binding *binding, struct config *config,
                                const struct config_node *root, const char *program_folder);

/* Reads the group "plugins" into config->plugins; plugin_path is resolved already. */
void config_bind_plugins(const struct config_binding *binding, struct config *config,
                         const struct config_node *group);

/* Fills secret->text from the file or variable that it names. path stands in findings. */
void config_read_secret(const struct config_binding *binding, struct config_secret *secret,
                        const char *path);

#endif
