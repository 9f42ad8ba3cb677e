/* Looking things up in a configuration. */
#include "base/config/config.h"

#include <string.h>

const struct config_process *config_process(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->process_count; i++) {
        if (name == NULL || strcmp(config->processes[i].name, name) == 0) {
            return &config->processes[i];
        }
    }
    return NULL;
}

const struct config_plugin *config_plugin(const struct config *config, const char *id)
{
    for (size_t i = 0; i < config->plugin_count; i++) {
        if (strcmp(config->plugins[i].id, id) == 0) {
            return &config->plugins[i];
        }
    }
    return NULL;
}

bool config_texts_have(const struct config_texts *texts, const char *text)
{
    for (size_t i = 0; i < texts->count; i++) {
        if (strcmp(texts->items[i], text) == 0) {
            return true;
        }
    }
    return false;
}

const struct config_address *config_service_address(const struct config *config,
                                                    const char *service)
{
    for (size_t i = 0; i < config->placement_count; i++) {
        if (strcmp(config->placements[i].service, service) == 0) {
            return &config->placements[i].address;
        }
    }
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        if (listener->protocol == CONFIG_PROTOCOL_GRPC &&
            config_texts_have(&listener->services, service)) {
            return &listener->address;
        }
    }
    return NULL;
}
