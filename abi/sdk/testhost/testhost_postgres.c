#include "testhost_postgres.h"

#include "testhost_call.h"
#include "testhost_misuse.h"
#include "testhost_pg_values.h"
#include "testhost_script.h"

/* The one transaction that may be open on a call; real ones are leases of connections. */
#define TRANSACTION 1

/* --- Queries ------------------------------------------------------------------------------------
 */

static void record_query(struct testhost *host, const struct atlas_pg_statement *statement,
                         const struct atlas_pg_value *params, size_t param_count)
{
    struct deed *deed = script_record(host, statement->name);

    journal_add(host, "pg %s", statement->name);
    for (size_t i = 0; i < param_count; i++) {
        pg_value_journal(host, &params[i], statement->params[i]);
    }
    journal_add(host, "\n");
    deed->params = pg_values_copy(&host->script, params, param_count, statement->params);
    deed->param_count = param_count;
}

static const struct atlas_pg_statement *check_query(struct testhost *host, uint32_t statement,
                                                    size_t param_count)
{
    const struct atlas_pg_schema *schema = host->table.postgres;
    const struct atlas_pg_statement *declared;

    if (schema == NULL || statement >= schema->statement_count) {
        testhost_misuse("the plugin runs statement %u, which it does not declare", statement);
    }
    declared = &schema->statements[statement];
    if (strlen((const char *)declared->params) != param_count) {
        testhost_misuse("statement %s is declared with %zu parameters and runs with %zu",
                        declared->name, strlen((const char *)declared->params), param_count);
    }
    return declared;
}

static atlas_status_t fail_as(struct atlas_call *call, const struct answer *answer)
{
    struct atlas_pg_error *error = &test_call_of(call)->pg_error;

    snprintf(error->constraint, sizeof error->constraint, "%s", answer->text);
    return atlas_fail(call, answer->status, "%s: scripted failure%s%s", answer->name,
                      answer->text[0] != '\0' ? " of " : "", answer->text);
}

static atlas_status_t answer_query(struct atlas_call *call,
                                   const struct atlas_pg_statement *statement,
                                   struct atlas_pg_result *ret_result,
                                   enum atlas_outcome *ret_outcome)
{
    struct answer *answer = script_take(host_of(call), ANSWER_PG, statement->name);

    if (answer == NULL) {
        return atlas_fail(call, ATLAS_INTERNAL, "the test gives no answer to statement %s",
                          statement->name);
    }
    *ret_outcome = answer->outcome;
    if (answer->status != ATLAS_OK) {
        return fail_as(call, answer);
    }
    if (ret_result != NULL) {
        *ret_result = answer->rows;
        ret_result->values =
            pg_values_copy(call_arena(call), answer->rows.values,
                           answer->rows.row_count * answer->rows.column_count, statement->columns);
    }
    return ATLAS_OK;
}

static atlas_status_t query(struct atlas_call *call, uint32_t statement,
                            const struct atlas_pg_value *params, size_t param_count,
                            struct atlas_pg_result *ret_result, enum atlas_outcome *ret_outcome)
{
    const struct atlas_pg_statement *declared = check_query(host_of(call), statement, param_count);
    enum atlas_outcome outcome = ATLAS_OUTCOME_NOT_DONE;

    memset(&test_call_of(call)->pg_error, 0, sizeof test_call_of(call)->pg_error);
    atlas_status_t status = call_wait(call, declared->name);
    if (status == ATLAS_OK) {
        record_query(host_of(call), declared, params, param_count);
        status = answer_query(call, declared, ret_result, &outcome);
    }
    if (ret_outcome != NULL) {
        *ret_outcome = outcome;
    }
    return status;
}

/* --- Transactions -------------------------------------------------------------------------------
 */

/* BEGIN and COMMIT succeed unless the script says otherwise. */
static atlas_status_t control(struct atlas_call *call, const char *word,
                              enum atlas_outcome *ret_outcome)
{
    struct answer *answer;

    *ret_outcome = ATLAS_OUTCOME_NOT_DONE;
    atlas_status_t status = call_wait(call, word);
    if (status != ATLAS_OK) {
        return status;
    }
    journal_add(host_of(call), "pg %s\n", word);
    answer = script_take(host_of(call), ANSWER_PG, word);
    *ret_outcome = answer != NULL ? answer->outcome : ATLAS_OUTCOME_DONE;
    return answer != NULL && answer->status != ATLAS_OK ? fail_as(call, answer) : ATLAS_OK;
}

static void check_transaction(struct atlas_handle transaction)
{
    if (transaction.value != TRANSACTION) {
        testhost_misuse("the plugin uses a transaction that it did not begin");
    }
}

static atlas_status_t begin(struct atlas_call *call, struct atlas_handle *ret_transaction)
{
    enum atlas_outcome outcome;
    atlas_status_t status = control(call, "BEGIN", &outcome);

    if (status == ATLAS_OK) {
        ret_transaction->value = TRANSACTION;
    }
    return status;
}

static atlas_status_t query_in(struct atlas_call *call, struct atlas_handle transaction,
                               uint32_t statement, const struct atlas_pg_value *params,
                               size_t param_count, struct atlas_pg_result *ret_result)
{
    check_transaction(transaction);
    return query(call, statement, params, param_count, ret_result, NULL);
}

static atlas_status_t commit(struct atlas_call *call, struct atlas_handle transaction,
                             enum atlas_outcome *ret_outcome)
{
    enum atlas_outcome outcome;

    check_transaction(transaction);
    atlas_status_t status = control(call, "COMMIT", &outcome);
    if (ret_outcome != NULL) {
        *ret_outcome = outcome;
    }
    return status;
}

static void rollback(struct atlas_call *call, struct atlas_handle transaction)
{
    check_transaction(transaction);
    journal_add(host_of(call), "pg ROLLBACK\n");
}

static void last_error(struct atlas_call *call, struct atlas_pg_error *ret_error)
{
    *ret_error = test_call_of(call)->pg_error;
}

struct atlas_postgres_interface const *postgres_interface(void)
{
    static const struct atlas_postgres_interface table = {
        .size = sizeof table,
        .query = query,
        .begin = begin,
        .query_in = query_in,
        .commit = commit,
        .rollback = rollback,
        .last_error = last_error,
    };
    return &table;
}

/* --- For the test -------------------------------------------------------------------------------
 */

/* The declaration of a statement; the test names one that the plugin has. */
static const struct atlas_pg_statement *find_statement(struct testhost *host, const char *name)
{
    const struct atlas_pg_schema *schema = host->table.postgres;

    for (size_t i = 0; schema != NULL && i < schema->statement_count; i++) {
        if (strcmp(schema->statements[i].name, name) == 0) {
            return &schema->statements[i];
        }
    }
    testhost_misuse("the plugin declares no statement %s", name);
}

void testhost_pg_rows(struct testhost *host, const char *statement,
                      const struct atlas_pg_value *values, size_t value_count)
{
    const uint8_t *types = find_statement(host, statement)->columns;
    size_t columns = strlen((const char *)types);
    struct answer *answer = script_add(host, ANSWER_PG, statement);

    if (columns == 0 ? value_count > 0 : value_count % columns != 0) {
        testhost_misuse("%s has %zu columns: %zu values are no rows of it", statement, columns,
                        value_count);
    }
    answer->rows.column_count = columns;
    answer->rows.row_count = columns > 0 ? value_count / columns : 0;
    answer->rows.affected = (int64_t)answer->rows.row_count;
    answer->rows.values = pg_values_copy(&host->script, values, value_count, types);
}

void testhost_pg_affected(struct testhost *host, const char *statement, int64_t affected)
{
    find_statement(host, statement);
    script_add(host, ANSWER_PG, statement)->rows.affected = affected;
}

void testhost_pg_fail(struct testhost *host, const char *statement, atlas_status_t status,
                      const char *constraint, enum atlas_outcome outcome)
{
    struct answer *answer = script_add(host, ANSWER_PG, statement);

    answer->status = status;
    answer->text = constraint != NULL ? arena_text(&host->script, constraint) : "";
    answer->outcome = outcome;
}

const struct atlas_pg_value *testhost_pg_params(struct testhost *host, const char *statement,
                                                size_t *ret_count)
{
    const struct deed *deed = script_find(host, statement);

    *ret_count = deed != NULL ? deed->param_count : 0;
    return deed != NULL ? deed->params : NULL;
}
