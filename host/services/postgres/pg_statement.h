/* A declared statement made ready to run, and its parameters and rows in libpq's form. */
#ifndef SERVICES_POSTGRES_PG_STATEMENT_H
#define SERVICES_POSTGRES_PG_STATEMENT_H

#include "services/postgres/pg_connection.h"

/* Texts and types are the plugin's, and live as long as it is loaded. */
struct pg_statement {
    const char *name;
    const char *sql;
    uint32_t flags; /* enum atlas_pg_statement_flags */
    uint64_t hash;
    int param_count;
    int column_count;
    const uint8_t *params;
    const uint8_t *columns;
    Oid oids[PG_PARAMS_MAX]; /* of the parameters */
};

/* Reads a declaration. INVALID_ARGUMENT with the statement's name if it makes no sense. */
atlas_status_t pg_statement_init(struct pg_statement *statement,
                                 const struct atlas_pg_statement *declared, struct error *error);

/* The command that runs a statement; its parameters are in the arena or borrowed from params.
 * INVALID_ARGUMENT names statement and parameter. */
atlas_status_t pg_statement_bind(const struct pg_statement *statement, struct arena *arena,
                                 const struct atlas_pg_value *params, size_t param_count,
                                 struct pg_command *ret_command, struct error *error);

/* The rows of a result in the arena. RESOURCE_EXHAUSTED beyond the limits, INTERNAL if the columns
 * are not the declared ones. */
atlas_status_t pg_statement_read(const struct pg_statement *statement, struct arena *arena,
                                 const struct pg_settings *limits, const PGresult *result,
                                 struct atlas_pg_result *ret_result, struct error *error);

/* Compares what the server says of a prepared statement with the declaration. FAILED_PRECONDITION
 * names statement, column or parameter, and both types. */
atlas_status_t pg_statement_compare(const struct pg_statement *statement, const PGresult *described,
                                    struct error *error);

#endif
