#include "services/outbox/outbox_schema.h"

/* tx stands before id: both defaults are drawn when the row is made, and the relay relies on the
 * transaction having its number when the id is drawn (see outbox_window.h). */
static const char create_outbox[] =
    "CREATE TABLE outbox ("
    " tx xid8 NOT NULL DEFAULT pg_current_xact_id(),"
    " id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " event_id uuid NOT NULL DEFAULT gen_random_uuid(),"
    " topic text NOT NULL,"
    " key text NOT NULL,"
    " type text NOT NULL,"
    " traceparent text,"
    " payload bytea NOT NULL,"
    " created_at timestamptz NOT NULL DEFAULT clock_timestamp()"
    ") WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);"
    /* Rows that Kafka will never take, with the reason, for somebody to look at. */
    "CREATE TABLE outbox_dead (LIKE outbox, reason text NOT NULL,"
    " failed_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (id));"
    "CREATE TABLE outbox_relay ("
    " only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),"
    " floor bigint NOT NULL DEFAULT 0,"   /* every id below it has been relayed */
    " relayed bigint NOT NULL DEFAULT 0," /* rows since the beginning */
    " updated_at timestamptz NOT NULL DEFAULT now());"
    "INSERT INTO outbox_relay DEFAULT VALUES;";

const struct atlas_pg_migration outbox_migrations[] = {
    {
        .size = sizeof(struct atlas_pg_migration),
        .number = 1,
        .name = "host_outbox",
        .sql = create_outbox,
        .compatible_since = "0.0.0",
    },
};

const size_t outbox_migration_count = sizeof outbox_migrations / sizeof outbox_migrations[0];
