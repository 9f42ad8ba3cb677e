/*
 * Configuration of a plugin: the keys that its manifest declares, already checked by the host for
 * type, unit and bounds, with defaults filled in. Keys that are not declared are refused by
 * `atlas check`.
 */
#ifndef ATLAS_CONFIG_H
#define ATLAS_CONFIG_H

#include "atlas/abi.h"

/*
 * Read it inside check() and create(); it is borrowed until they return, and so is what string
 * returns. Integers have 64 bits. A key that the manifest does not declare with that type answers
 * zero or "", and create() is failed by the host with a message that names it. None waits. Grows.
 */
struct atlas_config {
    uint32_t size;

    const char *(*string)(const struct atlas_config *config, const char *key);
    int64_t (*integer)(const struct atlas_config *config, const char *key);
    double (*number)(const struct atlas_config *config, const char *key);
    bool (*boolean)(const struct atlas_config *config, const char *key);
    /* Milliseconds, and bytes, whatever the unit that was written. */
    int64_t (*duration_ms)(const struct atlas_config *config, const char *key);
    int64_t (*bytes)(const struct atlas_config *config, const char *key);
};

#endif
