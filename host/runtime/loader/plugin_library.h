/*
 * A loaded copy of a plugin: dlopen, the entry call and the agreement on the ABI. Control thread
 * only.
 */
#ifndef RUNTIME_LOADER_PLUGIN_LIBRARY_H
#define RUNTIME_LOADER_PLUGIN_LIBRARY_H

#include "atlas/plugin.h"
#include "base/error.h"

struct manifest;
struct plugin_library;
struct report;

/*
 * True if this host can serve the plugin: same ABI major, and every required interface is among the
 * known ids ("atlas.call/1", ...). Findings name both sides and the remedy. Runs no code of the
 * plugin.
 */
bool plugin_library_accepts(const struct manifest *manifest, const char *path,
                            const char *const *known, size_t count, struct report *report);

/*
 * Loads the staged file (a name that no other generation has), calls the entry and copies the table
 * into structs of the host's own size. Refused if the loader returned an image that is already
 * loaded, if the table sets members that this host does not know, or does not match the manifest.
 * FAILED_PRECONDITION with a message that begins with name (the path that people know). May block
 * in constructors.
 */
atlas_status_t plugin_library_open(const char *staged_path, const char *name,
                                   const struct manifest *manifest,
                                   struct plugin_library **ret_library, struct error *error);

/* The host's copy of the plugin's table and of all its arrays (runtime/loader/plugin_table.h).
 * Borrowed until close. */
const struct atlas_plugin *plugin_library_table(const struct plugin_library *library);

/*
 * Unloads. False if the image is still mapped afterwards (a thread-local destructor, another
 * library): its memory is lost, nothing else. Under a sanitizer the image is kept on purpose, so
 * that reports have names, and the answer is true. NULL is allowed.
 */
bool plugin_library_close(struct plugin_library *library);

#endif
