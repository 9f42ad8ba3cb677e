/* The fixture of modules with PostgreSQL as its module, on a server of the test's own. */
#ifndef PG_FIXTURE_H
#define PG_FIXTURE_H

#include "module_fixture.h"
#include "services/outbox/outbox.h"
#include "services/postgres/postgres.h"

/* The server's name, for names_set. */
#define PG_FIXTURE_HOST "postgres.test"

/* Starts server, database "atlas", runtime and module. settings: further lines of the group
 * postgres. */
void pg_fixture_start(const char *settings, outbox_publish_fn *publish);
void pg_fixture_stop(void);

/* Makes role "atlas_<id>" and schema "<id>". */
void pg_fixture_add_schema(const char *id);

/* fixture_load of a plugin that declares only a schema. */
struct generation *pg_fixture_load(const char *id, const char *version,
                                   const struct atlas_pg_schema *schema, bool is_reload,
                                   struct error *error);

#endif
