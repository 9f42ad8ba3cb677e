/* The host's own migrations of a schema with an outbox. */
#ifndef SERVICES_OUTBOX_SCHEMA_H
#define SERVICES_OUTBOX_SCHEMA_H

#include "atlas/postgres.h"

/* In atlas_migration their numbers are negative, so that they never meet the plugin's own. */
extern const struct atlas_pg_migration outbox_migrations[];
extern const size_t outbox_migration_count;

#endif
