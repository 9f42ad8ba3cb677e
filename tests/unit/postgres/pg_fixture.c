#include "pg_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "pg_server.h"
#include "support/names.h"

static struct outbox_driver outbox;
static struct postgres *postgres;

void pg_fixture_start(const char *settings, outbox_publish_fn *publish)
{
    char groups[400];
    struct error error;
    names_set(PG_FIXTURE_HOST, "127.0.0.1");
    pg_server_create();
    pg_server_run("postgres", "CREATE DATABASE atlas");
    snprintf(groups, sizeof groups, "postgres = { host = \"" PG_FIXTURE_HOST "\"; port = %d; %s };",
             pg_server_port(), settings);
    fixture_create(groups);
    outbox_driver_init(&outbox, publish);
    if (postgres_create(fixture_config(), &outbox.interface, &postgres, &error) != ATLAS_OK) {
        printf("postgres: %s\n", error.text);
        exit(EXIT_FAILURE);
    }
    fixture_start(postgres_module(postgres));
}

void pg_fixture_stop(void)
{
    fixture_destroy();
    postgres_destroy(postgres);
    pg_server_destroy();
}

void pg_fixture_add_schema(const char *id)
{
    char sql[300];
    snprintf(sql, sizeof sql,
             "CREATE ROLE \"atlas_%s\" LOGIN; CREATE SCHEMA \"%s\" AUTHORIZATION \"atlas_%s\"", id,
             id, id);
    pg_server_run("atlas", sql);
}

struct generation *pg_fixture_load(const char *id, const char *version,
                                   const struct atlas_pg_schema *schema, bool is_reload,
                                   struct error *error)
{
    struct fixture_plugin plugin = {.id = id, .version = version, .schema = schema};
    return fixture_load(&plugin, is_reload, error);
}
