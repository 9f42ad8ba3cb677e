/*
 * The manifest: what can be known of a plugin without running it. It lies in the ELF note section
 * ".note.atlas" (owner "ATLAS"), type 1: text, type 2: a serialized
 * google.protobuf.FileDescriptorSet.
 *
 * The text has one fact per line, words separated by one blank:
 *   plugin <id> <version>                 id: [a-z][a-z0-9_]*, version: MAJOR.MINOR.PATCH
 *   abi <major>.<minor>                   what it was built for (written by the macro)
 *   requires <interface>                  not loaded without it
 *   optional <interface>                  NULL without it
 *   service <name>                        served (lines generated from the .proto)
 *   calls <service>                       called by it, so that a missing placement is found early
 *   config <key> <type> [default=<value>] [min=<value>] [max=<value>]
 *       key: [a-z][a-z0-9_]*; type: string integer number boolean duration bytes; without a default
 *       the key must be given; "default=" alone is an empty string. min and max of all but string
 *       and boolean
 * No value holds a blank; a default that needs one belongs into the plugin's code. Integers have 64
 * bits and a sign, durations are written "250ms" "5s" "2m" "1h", bytes "64KiB" "4MiB", neither is
 * below 0.
 */
#ifndef ATLAS_MANIFEST_H
#define ATLAS_MANIFEST_H

#include "atlas/abi.h"

#define ATLAS_NOTE_OWNER       "ATLAS"
#define ATLAS_NOTE_MANIFEST    1
#define ATLAS_NOTE_DESCRIPTORS 2

#define ATLAS_STRINGIFY_(x) #x
#define ATLAS_STRINGIFY(x)  ATLAS_STRINGIFY_(x)

/* Once in a plugin, at file level. lines: further facts, each ended by "\n". */
#define ATLAS_PLUGIN_MANIFEST(id, version, lines)                                                  \
    __attribute__((section(".note.atlas"), used, aligned(4))) static const struct {                \
        uint32_t owner_size, text_size, type;                                                      \
        char owner[8];                                                                             \
        char text[sizeof("plugin " id " " version "\n"                                             \
                         "abi " ATLAS_STRINGIFY(ATLAS_ABI_MAJOR) "." ATLAS_STRINGIFY(              \
                             ATLAS_ABI_MINOR) "\n" lines)];                                        \
    } atlas_plugin_manifest_note = {                                                               \
        sizeof ATLAS_NOTE_OWNER, sizeof atlas_plugin_manifest_note.text, ATLAS_NOTE_MANIFEST,      \
        ATLAS_NOTE_OWNER,                                                                          \
        "plugin " id " " version "\n"                                                              \
        "abi " ATLAS_STRINGIFY(ATLAS_ABI_MAJOR) "." ATLAS_STRINGIFY(ATLAS_ABI_MINOR) "\n" lines}

#endif
