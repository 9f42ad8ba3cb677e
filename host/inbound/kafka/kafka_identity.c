#include "inbound/kafka/kafka_identity.h"

#include <string.h>

#define TOPIC_NAME_MAX 249

static atlas_status_t copy_name(char *target, size_t size, const char *text, const char *what,
                                struct error *error)
{
    if (text == NULL || text[0] == '\0' || strlen(text) >= size) {
        return error_set(error, ATLAS_INVALID_ARGUMENT, "%s is empty or longer than %zu bytes",
                         what, size - 1);
    }
    memcpy(target, text, strlen(text) + 1);
    return ATLAS_OK;
}

/* As the broker takes them, which says so only once something is asked of it. */
static bool is_topic(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return len > 0 && len <= TOPIC_NAME_MAX && name[len] == '\0' && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

static atlas_status_t read_topic(const struct atlas_config *config, const char *key,
                                 struct kafka_identity *identity, struct error *error)
{
    const char *topic = key != NULL ? config->string(config, key) : "";
    if (!is_topic(topic)) {
        return error_set(error, ATLAS_INVALID_ARGUMENT,
                         "its topic \"%.64s\", which the configuration key \"%s\" (topic_key) of "
                         "type string gives, cannot be: a name has 1 to %d letters, digits, '.', "
                         "'_' and '-'",
                         topic, key != NULL ? key : "", TOPIC_NAME_MAX);
    }
    return copy_name(identity->topic, sizeof identity->topic, topic, "its topic", error);
}

static atlas_status_t read_names(const char *id, const struct atlas_config *config,
                                 const struct atlas_consumer *declared,
                                 struct kafka_identity *identity, struct error *error)
{
    atlas_status_t status =
        copy_name(identity->plugin, sizeof identity->plugin, id, "the plugin's id", error);
    if (status == ATLAS_OK) {
        status =
            copy_name(identity->name, sizeof identity->name, declared->name, "its name", error);
    }
    if (status == ATLAS_OK) {
        status =
            copy_name(identity->group, sizeof identity->group, declared->group, "its group", error);
    }
    if (status == ATLAS_OK) {
        status = read_topic(config, declared->topic_key, identity, error);
    }
    return status;
}

atlas_status_t kafka_identity_read(const char *id, const struct atlas_config *config,
                                   const struct atlas_consumer *declared,
                                   struct kafka_identity *ret_identity, struct error *error)
{
    struct kafka_identity identity;
    atlas_status_t status = read_names(id, config, declared, &identity, error);
    if (status != ATLAS_OK) {
        return error_prefix(error, "consumer \"%s\"", declared->name != NULL ? declared->name : "");
    }
    *ret_identity = identity;
    return ATLAS_OK;
}

bool kafka_identity_is_same(const struct kafka_identity *a, const struct kafka_identity *b)
{
    return strcmp(a->plugin, b->plugin) == 0 && strcmp(a->name, b->name) == 0 &&
           strcmp(a->group, b->group) == 0 && strcmp(a->topic, b->topic) == 0;
}

/* One name would be one consumer with two handlers; one group and topic, two that share. */
static atlas_status_t check_pair(const struct kafka_identity *a, size_t a_index,
                                 const struct kafka_identity *b, size_t b_index,
                                 struct error *error)
{
    if (strcmp(a->name, b->name) == 0) {
        return error_set(error, ATLAS_INVALID_ARGUMENT,
                         "consumers %zu and %zu are both named \"%s\"; give each a name of its own",
                         a_index + 1, b_index + 1, a->name);
    }
    if (strcmp(a->group, b->group) == 0 && strcmp(a->topic, b->topic) == 0) {
        return error_set(
            error, ATLAS_INVALID_ARGUMENT,
            "consumers \"%s\" and \"%s\" are both of group \"%s\" for topic \"%s\", so each would "
            "get a part of its records; give each a group of its own, or make them one",
            a->name, b->name, a->group, a->topic);
    }
    return ATLAS_OK;
}

atlas_status_t kafka_identity_check(const char *id, const struct atlas_plugin *plugin,
                                    const struct atlas_config *config, struct error *error)
{
    atlas_status_t status = ATLAS_OK;
    for (size_t b = 0; b < plugin->consumer_count && status == ATLAS_OK; b++) {
        struct kafka_identity younger;
        status = kafka_identity_read(id, config, &plugin->consumers[b], &younger, error);
        for (size_t a = 0; a < b && status == ATLAS_OK; a++) {
            struct kafka_identity older;
            status = kafka_identity_read(id, config, &plugin->consumers[a], &older, error);
            if (status == ATLAS_OK) {
                status = check_pair(&older, a, &younger, b, error);
            }
        }
    }
    return status;
}
