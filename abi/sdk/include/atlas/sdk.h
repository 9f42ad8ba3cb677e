/*
 * The SDK of plugin authors: inline helpers over the tables of atlas/host.h, so that a handler
 * reads as plain C. Nothing here crosses the ABI; a plugin that wants only the tables may do
 * without.
 *
 * A helper whose interface was not granted returns ATLAS_UNIMPLEMENTED with a message that names
 * the interface and the manifest line that is missing. All of them are [call]; those that wait say
 * so.
 */
#ifndef ATLAS_SDK_H
#define ATLAS_SDK_H

#include "atlas/manifest.h"
#include "atlas/plugin.h"
#include "atlas/sdk_call.h"
#include "atlas/sdk_client.h"
#include "atlas/sdk_clock.h"
#include "atlas/sdk_kafka.h"
#include "atlas/sdk_memory.h"
#include "atlas/sdk_postgres.h"
#include "atlas/sdk_redis.h"

/* The members of an array, as a count. */
#define ATLAS_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * The entry of a plugin, once in a file: ATLAS_PLUGIN_DEFINE(plugin) exports the table that is
 * named.
 */
#define ATLAS_PLUGIN_DEFINE(table)                                                                 \
    ATLAS_EXTERN_C ATLAS_EXPORT const struct atlas_plugin *atlas_plugin_v1(uint32_t host_minor);   \
    const struct atlas_plugin *atlas_plugin_v1(uint32_t host_minor)                                \
    {                                                                                              \
        (void)host_minor;                                                                          \
        return &(table);                                                                           \
    }                                                                                              \
    extern const struct atlas_plugin *atlas_plugin_v1(uint32_t host_minor)

#endif
