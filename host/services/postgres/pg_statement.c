#include "services/postgres/pg_statement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/postgres/pg_prepared.h"
#include "services/postgres/pg_type.h"
#include "services/postgres/pg_value.h"

/* The number of types, ended by 0; -1 if one is unknown or there are too many. */
static int count_types(const uint8_t *types, int limit)
{
    int count = 0;
    for (; types != NULL && types[count] != 0; count++) {
        if (count >= limit || pg_type_oid(types[count]) == 0) {
            return -1;
        }
    }
    return count;
}

atlas_status_t pg_statement_init(struct pg_statement *statement,
                                 const struct atlas_pg_statement *declared, struct error *error)
{
    if (declared->name == NULL || declared->sql == NULL) {
        return error_set(error, ATLAS_INVALID_ARGUMENT,
                         "a statement has no name or no SQL; declare both");
    }
    *statement = (struct pg_statement){
        .name = declared->name,
        .sql = declared->sql,
        .flags = declared->flags,
        .hash = pg_prepared_hash(declared->sql, declared->params),
        .param_count = count_types(declared->params, PG_PARAMS_MAX),
        .column_count = count_types(declared->columns, 1600),
        .params = declared->params,
        .columns = declared->columns,
    };
    if (statement->param_count < 0 || statement->column_count < 0) {
        return error_set(error, ATLAS_INVALID_ARGUMENT,
                         "statement %s: a type is no enum atlas_pg_type, or there are more than "
                         "%d parameters",
                         declared->name, PG_PARAMS_MAX);
    }
    for (int i = 0; i < statement->param_count; i++) {
        statement->oids[i] = pg_type_oid(declared->params[i]);
    }
    return ATLAS_OK;
}

static atlas_status_t out_of_memory(const struct pg_statement *statement, struct error *error)
{
    return error_set(
        error, ATLAS_RESOURCE_EXHAUSTED,
        "statement %s: the call's memory is used up; raise arena_limit or ask for less",
        statement->name);
}

atlas_status_t pg_statement_bind(const struct pg_statement *statement, struct arena *arena,
                                 const struct atlas_pg_value *params, size_t param_count,
                                 struct pg_command *ret_command, struct error *error)
{
    size_t count = (size_t)statement->param_count;
    if (param_count != count) {
        return error_set(error, ATLAS_INTERNAL,
                         "statement %s has %zu parameters, the plugin gave %zu", statement->name,
                         count, param_count);
    }
    const char **values = arena_alloc(arena, count * sizeof *values);
    int *lengths = arena_alloc(arena, count * sizeof *lengths);
    if (count > 0 && (values == NULL || lengths == NULL)) {
        return out_of_memory(statement, error);
    }
    for (size_t i = 0; i < count; i++) {
        atlas_status_t status = pg_value_encode(arena, statement->params[i], &params[i], &values[i],
                                                &lengths[i], error);
        if (status != ATLAS_OK) {
            return error_prefix(error, "statement %s: parameter %zu", statement->name, i + 1);
        }
    }
    *ret_command = (struct pg_command){
        .sql = statement->sql,
        .hash = statement->hash,
        .types = statement->oids,
        .values = values,
        .lengths = lengths,
        .count = statement->param_count,
    };
    return ATLAS_OK;
}

static const char *oid_text(pg_oid oid, char buffer[24])
{
    const char *name = pg_type_oid_name(oid);
    if (name == NULL) {
        snprintf(buffer, 24, "type %u", oid);
        name = buffer;
    }
    return name;
}

static atlas_status_t compare_columns(const struct pg_statement *statement, const PGresult *result,
                                      struct error *error)
{
    char text[24];
    if (PQnfields(result) != statement->column_count) {
        return error_set(error, ATLAS_FAILED_PRECONDITION,
                         "statement %s: %d columns are declared, the database returns %d",
                         statement->name, statement->column_count, PQnfields(result));
    }
    for (int i = 0; i < statement->column_count; i++) {
        if (!pg_type_accepts(statement->columns[i], PQftype(result, i))) {
            return error_set(error, ATLAS_FAILED_PRECONDITION,
                             "statement %s: column %d (%s) is declared as %s, the database "
                             "returns %s; cast it in the SQL or change the declaration",
                             statement->name, i + 1, PQfname(result, i),
                             pg_type_name(statement->columns[i]),
                             oid_text(PQftype(result, i), text));
        }
    }
    return ATLAS_OK;
}

static atlas_status_t compare_params(const struct pg_statement *statement, const PGresult *result,
                                     struct error *error)
{
    char text[24];
    if (PQnparams(result) != statement->param_count) {
        return error_set(error, ATLAS_FAILED_PRECONDITION,
                         "statement %s: %d parameters are declared, the SQL has %d",
                         statement->name, statement->param_count, PQnparams(result));
    }
    for (int i = 0; i < statement->param_count; i++) {
        if (statement->oids[i] != PQparamtype(result, i)) {
            return error_set(error, ATLAS_FAILED_PRECONDITION,
                             "statement %s: parameter %d is declared as %s, the database takes %s",
                             statement->name, i + 1, pg_type_name(statement->params[i]),
                             oid_text(PQparamtype(result, i), text));
        }
    }
    return ATLAS_OK;
}

atlas_status_t pg_statement_compare(const struct pg_statement *statement, const PGresult *described,
                                    struct error *error)
{
    atlas_status_t status = compare_params(statement, described, error);
    return status == ATLAS_OK ? compare_columns(statement, described, error) : status;
}

/* What every result is checked for before it is read. */
static atlas_status_t check_result(const struct pg_statement *statement,
                                   const struct pg_settings *limits, const PGresult *result,
                                   struct error *error)
{
    int rows = PQntuples(result);
    if (rows > 0 || PQnfields(result) > 0) {
        atlas_status_t status = compare_columns(statement, result, error);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    if ((unsigned)rows > limits->row_limit ||
        PQresultMemorySize(result) > (size_t)limits->result_limit) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED,
                         "statement %s: %d rows in %zu bytes are beyond the limits (%u rows, %lld "
                         "bytes); add a LIMIT or raise postgres.rows and postgres.result_limit",
                         statement->name, rows, PQresultMemorySize(result), limits->row_limit,
                         (long long)limits->result_limit);
    }
    return ATLAS_OK;
}

static atlas_status_t read_row(const struct pg_statement *statement, struct arena *arena,
                               const PGresult *result, int row, struct atlas_pg_value *values,
                               struct error *error)
{
    for (int column = 0; column < statement->column_count; column++) {
        if (PQgetisnull(result, row, column)) {
            memset(&values[column], 0, sizeof values[column]);
            values[column].is_null = true;
            continue;
        }
        atlas_status_t status =
            pg_value_decode(arena, statement->columns[column], PQgetvalue(result, row, column),
                            (size_t)PQgetlength(result, row, column), &values[column], error);
        if (status != ATLAS_OK) {
            return error_prefix(error, "statement %s: column %d", statement->name, column + 1);
        }
    }
    return ATLAS_OK;
}

atlas_status_t pg_statement_read(const struct pg_statement *statement, struct arena *arena,
                                 const struct pg_settings *limits, const PGresult *result,
                                 struct atlas_pg_result *ret_result, struct error *error)
{
    atlas_status_t status = check_result(statement, limits, result, error);
    if (status != ATLAS_OK) {
        return status;
    }
    size_t rows = (size_t)PQntuples(result);
    size_t columns = (size_t)statement->column_count;
    struct atlas_pg_value *values = arena_alloc(arena, rows * columns * sizeof *values);
    if (values == NULL && rows * columns > 0) {
        return out_of_memory(statement, error);
    }
    for (size_t row = 0; row < rows; row++) {
        status = read_row(statement, arena, result, (int)row, values + row * columns, error);
        if (status != ATLAS_OK) {
            return status;
        }
    }
    *ret_result = (struct atlas_pg_result){
        .row_count = rows,
        .column_count = columns,
        .values = values,
        .affected = strtoll(PQcmdTuples((PGresult *)(uintptr_t)result), NULL, 10),
    };
    return ATLAS_OK;
}
