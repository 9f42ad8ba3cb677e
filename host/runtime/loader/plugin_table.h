/*
 * What a plugin's entry returned, as this host knows it. The plugin may have been built with older
 * headers, whose structs are shorter, or with newer ones, whose structs are longer: the table and
 * all arrays it points to are copied into structs of this host, and nothing else reads the
 * plugin's.
 */
#ifndef RUNTIME_LOADER_PLUGIN_TABLE_H
#define RUNTIME_LOADER_PLUGIN_TABLE_H

#include "atlas/plugin.h"
#include "base/error.h"

struct arena;
struct manifest;

/*
 * Copies a table with its services, methods, consumers, backgrounds, metrics, migrations and
 * statements; the copies lie in the arena and each says this host's size. Members that the plugin
 * did not know are zero; texts and functions stay the plugin's. FAILED_PRECONDITION for a struct
 * that is smaller than in ABI 1.0, elements of different sizes, or a member set that this host does
 * not know; the message begins with name (the path that people know). Outputs untouched on failure.
 */
atlas_status_t plugin_table_read(const struct atlas_plugin *theirs, const char *name,
                                 const struct manifest *manifest, struct arena *arena,
                                 struct atlas_plugin *ret_table, struct error *error);

/* Whether a table that was read is complete and agrees with the manifest. FAILED_PRECONDITION as
 * above. */
atlas_status_t plugin_table_check(const struct atlas_plugin *table, const char *name,
                                  const struct manifest *manifest, struct error *error);

/* The part of it that is about the schema: migrations in order, versions, types and flags. */
atlas_status_t plugin_schema_check(const struct atlas_pg_schema *schema, const char *name,
                                   const struct manifest *manifest, struct error *error);

#endif
