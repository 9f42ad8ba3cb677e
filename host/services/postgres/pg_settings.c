#include "services/postgres/pg_settings.h"

#include <stdio.h>

#include "base/config/config.h"

void pg_settings_copy_limits(struct pg_settings *settings, const struct config_postgres *from)
{
    settings->port = (uint16_t)from->port;
    settings->read_connections = (unsigned)from->read_connections;
    settings->write_connections = (unsigned)from->write_connections;
    settings->lease_connections = (unsigned)from->lease_connections;
    settings->queue = (unsigned)from->queue;
    settings->lease_wait_ms = from->lease_wait_ms;
    settings->row_limit = (unsigned)from->rows;
    settings->result_limit = from->result_bytes;
    settings->statement_ms = from->statement_ms;
    settings->connect_ms = from->connect_ms;
    settings->reconnect_min_ms = from->reconnect_min_ms;
    settings->reconnect_max_ms = from->reconnect_max_ms;
    settings->migration_ms = from->migration_ms;
    settings->outbox_poll_ms = from->outbox_poll_ms;
    settings->outbox_batch = (unsigned)from->outbox_batch;
    snprintf(settings->host, sizeof settings->host, "%s", from->host);
    snprintf(settings->dbname, sizeof settings->dbname, "%s", from->dbname);
}

void pg_settings_set_plugin(struct pg_settings *settings, const struct config_postgres *group,
                            const struct config_plugin *plugin, const char *id)
{
    const char *password = plugin->postgres_password.text;
    if (password == NULL || password[0] == '\0') {
        password = group->password.text;
    }
    snprintf(settings->schema, sizeof settings->schema, "%s", id);
    snprintf(settings->user, sizeof settings->user, "%s", plugin->postgres_user);
    snprintf(settings->password, sizeof settings->password, "%s", password != NULL ? password : "");
}
