/* The services that the plugins of this process serve: they decide which listeners it opens. */
#ifndef HOST_PROCESS_SERVICES_H
#define HOST_PROCESS_SERVICES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct config;
struct config_texts;
struct generation;

struct process_services {
    struct arena arena; /* the names, from manifests that may be gone */
    const char **items;
    size_t count;
    size_t room;
};

/* Read from the files of the process's plugins, before anything is loaded. A file that cannot be
 * read is reported when it is loaded. Blocks on the disk. */
void process_services_read(const struct config *config, const char *process,
                           struct process_services *ret_services);

/* Of generations that are loaded. */
void process_services_of(struct generation *const *generations, size_t count,
                         struct process_services *ret_services);

/* True if one of the names is among them. */
bool process_services_have_any(const struct process_services *services,
                               const struct config_texts *names);

/* Frees what read or of made. */
void process_services_finish(struct process_services *services);

#endif
