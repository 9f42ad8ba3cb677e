/*
 * Reading a configuration: etc/atlas.cfg and what lies over it.
 *
 * Further files lie over the first, and "path=value" settings over all of them, for tests and
 * tools:
 *
 *   atlas run -c etc/atlas.cfg -c run/dev.cfg -D postgres.port=5433
 *     -D listeners.gateway.address=127.0.0.1:18085 -D processes.atlas.admin=127.0.0.1:18086
 *     -D plugins.tracker.path=/tmp/tracker.so -D 'plugin_path=["build/dev/plugins"]'
 *
 * An element of processes and listeners is named by its "name". A value that libconfig cannot read
 * counts as a string. Paths in a file are relative to its folder, paths in -D to the current
 * folder;
 * "$ORIGIN" in plugin_path is the folder of the atlas program.
 *
 * A password is given by password, by password_file (its first line) or by password_env (a
 * variable).
 */
#ifndef BASE_CONFIG_LOAD_H
#define BASE_CONFIG_LOAD_H

#include "base/config/config.h"

struct report;

/* What a configuration is read from; kept by the program, so that a reload reads the same. */
struct config_source {
    const char *const *files; /* at least one */
    size_t file_count;
    const char *const *settings; /* "path=value" */
    size_t setting_count;
    const char *program_folder; /* for "$ORIGIN" */
};

/*
 * Reads and checks. Everything that is wrong goes to the report; NULL if anything is. The result
 * belongs to the caller until config_release and never changes. Blocks on the disk: control thread
 * only.
 */
struct config *config_load(const struct config_source *source, struct report *report);

/* Frees it with all its strings. NULL is allowed. */
void config_release(struct config *config);

#endif
