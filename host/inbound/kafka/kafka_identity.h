/*
 * Which consumer it is: what a plugin declares, with the topic that its configuration names. Pure;
 * any thread.
 */
#ifndef INBOUND_KAFKA_IDENTITY_H
#define INBOUND_KAFKA_IDENTITY_H

#include "atlas/plugin.h"
#include "base/error.h"

/* Two generations share a consumer if all four are equal. */
struct kafka_identity {
    char plugin[64];
    char name[64];
    char group[256];
    char topic[256];
};

/* Reads one of plugin id's consumers. INVALID_ARGUMENT for what is missing or too long. */
atlas_status_t kafka_identity_read(const char *id, const struct atlas_config *config,
                                   const struct atlas_consumer *declared,
                                   struct kafka_identity *ret_identity, struct error *error);

/* True if all four are equal. */
bool kafka_identity_is_same(const struct kafka_identity *a, const struct kafka_identity *b);

/* Looks at all consumers that a plugin declares: each must be complete, and no two may have one
 * name, or one group and topic. INVALID_ARGUMENT, naming them and the remedy. */
atlas_status_t kafka_identity_check(const char *id, const struct atlas_plugin *plugin,
                                    const struct atlas_config *config, struct error *error);

#endif
