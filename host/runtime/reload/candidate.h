/* A plugin's file and configuration, looked at before anything is loaded. Control thread only. */
#ifndef RUNTIME_RELOAD_CANDIDATE_H
#define RUNTIME_RELOAD_CANDIDATE_H

#include "base/digest.h"
#include "base/report.h"

struct config_plugin;
struct elf_image;
struct manifest;
struct plugin_config;

struct candidate {
    const struct config_plugin *plugin; /* borrowed from the configuration */
    struct elf_image *image;
    struct manifest *manifest;
    struct plugin_config *config;
    char label[512];              /* "plugin order: /path/order.so", for findings */
    uint8_t content[DIGEST_SIZE]; /* of file and configuration: equal means nothing to reload */
};

/* Reads and checks file, manifest and configuration; runs no code of the plugin. Everything wrong
 * goes to the report and false is returned; the candidate can be finished in any case. Blocks on
 * the disk. */
bool candidate_read(const struct config_plugin *plugin, struct report *report,
                    struct candidate *ret_candidate);

/* Frees what was not taken over by a generation. */
void candidate_finish(struct candidate *candidate);

#endif
