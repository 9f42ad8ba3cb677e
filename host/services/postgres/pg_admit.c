#include "services/postgres/pg_admit.h"

#include "services/postgres/pg_check.h"
#include "services/postgres/pg_migration.h"
#include "services/postgres/pg_plugin.h"
#include "services/postgres/pg_session.h"

atlas_status_t pg_admit(struct pg_plugin *plugin, struct call *call, struct error *error)
{
    struct pg_session *session = NULL;
    atlas_status_t status = pg_session_open(call, &plugin->settings, &session, error);
    if (status == ATLAS_OK) {
        status = pg_migration_run(session, plugin, error);
    }
    if (status == ATLAS_OK) {
        status = pg_check_statements(session, plugin, error);
    }
    pg_session_close(session);
    return status;
}
