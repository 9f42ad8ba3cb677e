/*
 * The ledger's statements: each is one transaction that writes a journal, its entries and the
 * balances, or nothing. What holds them together:
 *  - The journal is inserted first; its unique (kind, account, reference) decides who posts, and a
 *    second one waits until the first has committed. All legs come from the inserted journal.
 *  - Entries are joined to the changed accounts from the left: a missing account makes a NULL
 *    that the table refuses, instead of half a journal.
 *  - A user's new balance is computed from the row that was locked (FOR UPDATE), not from the row
 *    that UPDATE reads: PostgreSQL checks the constraints of the new row on its snapshot's version
 *    before it notices that a concurrent transaction made another one, and would refuse a charge
 *    that a top-up has just covered.
 *  - Accounts are locked in the order of their ids.
 */
#include "wallet/store.h"

#include "common/fields.h"
#include "wallet_migrations.h"

/* "<kind>/<owner>/<currency>" and the NUL. */
#define ACCOUNT_ID_SIZE (sizeof "receivable//USD" + FIELDS_ID_SIZE)

#define PLATFORM "platform"

enum {
    WALLET_STMT_CREDIT,
    WALLET_STMT_DEBIT,
    WALLET_STMT_OUTCOME,
    WALLET_STMT_BALANCE,
    WALLET_STMT_CHARGE
};

#define ENTER_LEGS                                                                                 \
    " INSERT INTO entry (account_id, seq, journal_id, amount_minor, balance_after_minor)"

static const struct atlas_pg_statement statements[] = {
    /* owner, currency, user account, world account, amount, reference, journal, now */
    [WALLET_STMT_CREDIT] = ATLAS_PG_STATEMENT(
        "wallet_credit", ATLAS_PG_WRITE,
        "WITH j AS ("
        "  INSERT INTO journal (journal_id, kind, account_id, reference, amount_minor, posted_at)"
        "  VALUES ($7, 1, $3, $6, $5, $8)"
        "  ON CONFLICT (kind, account_id, reference) DO NOTHING RETURNING journal_id),"
        " leg AS ("
        "  SELECT j.journal_id, l.*"
        "  FROM j, (VALUES ($3, 'user', $5, false), ($4, 'world', -$5, true))"
        "    l (account_id, kind, amount, may_overdraw)),"
        " moved AS ("
        "  INSERT INTO account AS a"
        "    (account_id, kind, owner, currency, balance_minor, seq, may_overdraw)"
        "  SELECT account_id, kind, $1, $2, amount, 1, may_overdraw FROM leg ORDER BY account_id"
        "  ON CONFLICT (account_id) DO UPDATE"
        "    SET balance_minor = a.balance_minor + excluded.balance_minor, seq = a.seq + 1"
        "  RETURNING a.account_id, a.balance_minor, a.seq),"
        " entered AS (" ENTER_LEGS
        "  SELECT account_id, m.seq, leg.journal_id, leg.amount, m.balance_minor"
        "  FROM leg LEFT JOIN moved m USING (account_id))"
        "SELECT j.journal_id, m.balance_minor FROM j, moved m WHERE m.account_id = $3",
        ATLAS_PG_TYPES(ATLAS_PG_TEXT, ATLAS_PG_TEXT, ATLAS_PG_TEXT, ATLAS_PG_TEXT, ATLAS_PG_INT8,
                       ATLAS_PG_TEXT, ATLAS_PG_UUID, ATLAS_PG_TIMESTAMP),
        ATLAS_PG_TYPES(ATLAS_PG_UUID, ATLAS_PG_INT8)),

    /* user account, world account, amount, reference, journal, now */
    [WALLET_STMT_DEBIT] = ATLAS_PG_STATEMENT(
        "wallet_debit", ATLAS_PG_WRITE,
        "WITH payer AS ("
        "  SELECT account_id, balance_minor, held_minor, seq FROM account"
        "  WHERE account_id = $1 AND balance_minor - held_minor >= $3 FOR UPDATE),"
        " j AS ("
        "  INSERT INTO journal (journal_id, kind, account_id, reference, amount_minor, posted_at)"
        "  SELECT $5, 2, account_id, $4, $3, $6 FROM payer"
        "  ON CONFLICT (kind, account_id, reference) DO NOTHING RETURNING journal_id),"
        " paid AS ("
        "  UPDATE account a SET balance_minor = p.balance_minor - $3, held_minor = p.held_minor,"
        "    seq = p.seq + 1"
        "  FROM payer p, j WHERE a.account_id = p.account_id"
        "  RETURNING a.account_id, a.balance_minor, a.seq),"
        " received AS ("
        "  UPDATE account a SET balance_minor = a.balance_minor + $3, seq = a.seq + 1"
        "  FROM paid WHERE a.account_id = $2 RETURNING a.balance_minor, a.seq),"
        " leg AS ("
        "  SELECT account_id, -$3 AS amount, seq, balance_minor FROM paid"
        "  UNION ALL SELECT $2, $3, r.seq, r.balance_minor FROM paid LEFT JOIN received r ON true),"
        " entered AS (" ENTER_LEGS
        "  SELECT leg.account_id, leg.seq, j.journal_id, leg.amount, leg.balance_minor"
        "  FROM leg, j)"
        "SELECT j.journal_id, paid.balance_minor FROM j, paid",
        ATLAS_PG_TYPES(ATLAS_PG_TEXT, ATLAS_PG_TEXT, ATLAS_PG_INT8, ATLAS_PG_TEXT, ATLAS_PG_UUID,
                       ATLAS_PG_TIMESTAMP),
        ATLAS_PG_TYPES(ATLAS_PG_UUID, ATLAS_PG_INT8)),

    /* kind, account, reference */
    [WALLET_STMT_OUTCOME] = ATLAS_PG_STATEMENT(
        "wallet_outcome", ATLAS_PG_READ,
        "SELECT a.balance_minor, a.held_minor, j.journal_id, j.amount_minor, e.balance_after_minor"
        " FROM account a"
        " LEFT JOIN journal j"
        "   ON j.kind = $1 AND j.account_id = a.account_id AND j.reference = $3"
        " LEFT JOIN entry e ON e.journal_id = j.journal_id AND e.account_id = a.account_id"
        " WHERE a.account_id = $2",
        ATLAS_PG_TYPES(ATLAS_PG_INT2, ATLAS_PG_TEXT, ATLAS_PG_TEXT),
        ATLAS_PG_TYPES(ATLAS_PG_INT8, ATLAS_PG_INT8, ATLAS_PG_UUID, ATLAS_PG_INT8, ATLAS_PG_INT8)),

    [WALLET_STMT_BALANCE] = ATLAS_PG_STATEMENT(
        "wallet_balance", ATLAS_PG_READ,
        "SELECT balance_minor, held_minor FROM account WHERE account_id = $1",
        ATLAS_PG_TYPES(ATLAS_PG_TEXT), ATLAS_PG_TYPES(ATLAS_PG_INT8, ATLAS_PG_INT8)),

    /* Arrays: orders, journals, passengers, their accounts, their receivable accounts, platform
     * accounts, currencies, prices; and now. Several orders of a passenger use the balance up one
     * after the other: upto is the price of all of them up to this one. */
    [WALLET_STMT_CHARGE] = ATLAS_PG_STATEMENT(
        "wallet_charge", ATLAS_PG_WRITE,
        "WITH request AS ("
        "  SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) WITH ORDINALITY r (reference,"
        "    journal_id, passenger, payer, receivable, platform, currency, price, place)),"
        " j AS ("
        "  INSERT INTO journal (journal_id, kind, account_id, reference, amount_minor, posted_at)"
        "  SELECT journal_id, 3, platform, reference, price, $9 FROM request ORDER BY reference"
        "  ON CONFLICT (kind, account_id, reference) DO NOTHING RETURNING journal_id),"
        " fresh AS (SELECT request.* FROM request JOIN j USING (journal_id)),"
        " purse AS ("
        "  SELECT account_id, balance_minor, held_minor, seq FROM account"
        "  WHERE account_id IN (SELECT payer FROM fresh) ORDER BY account_id FOR UPDATE),"
        " due AS ("
        "  SELECT fresh.*, coalesce(balance_minor - held_minor, 0) AS free,"
        "    sum(price) OVER (PARTITION BY payer ORDER BY place) AS upto"
        "  FROM fresh LEFT JOIN purse ON purse.account_id = payer),"
        " share AS ("
        "  SELECT *, (least(upto, free) - least(upto - price, free))::bigint AS covered FROM due),"
        " leg AS ("
        "  SELECT place, journal_id, currency, l.* FROM share CROSS JOIN LATERAL (VALUES"
        "    (payer, 'user', passenger, -covered),"
        "    (receivable, 'receivable', passenger, covered - price),"
        "    (platform, 'platform', '" PLATFORM "', price)) l (account_id, kind, owner, amount)"
        "  WHERE amount <> 0),"
        " total AS ("
        "  SELECT account_id, kind, owner, currency, sum(amount)::bigint AS amount, count(*) AS n"
        "  FROM leg GROUP BY account_id, kind, owner, currency),"
        " paid AS ("
        "  UPDATE account a SET balance_minor = p.balance_minor + t.amount,"
        "    held_minor = p.held_minor, seq = p.seq + t.n"
        "  FROM total t JOIN purse p USING (account_id) WHERE a.account_id = t.account_id"
        "  RETURNING a.account_id, a.balance_minor, a.seq),"
        " booked AS ("
        "  INSERT INTO account AS a"
        "    (account_id, kind, owner, currency, balance_minor, seq, may_overdraw)"
        "  SELECT account_id, kind, owner, currency, amount, n, true FROM total"
        "  WHERE kind <> 'user' ORDER BY account_id"
        "  ON CONFLICT (account_id) DO UPDATE"
        "    SET balance_minor = a.balance_minor + excluded.balance_minor,"
        "      seq = a.seq + excluded.seq"
        "  RETURNING a.account_id, a.balance_minor, a.seq),"
        " moved AS (SELECT * FROM paid UNION ALL SELECT * FROM booked),"
        " entered AS (" ENTER_LEGS
        "  SELECT account_id, m.seq - total.n + row_number() OVER upto, leg.journal_id, leg.amount,"
        "    m.balance_minor - total.amount + sum(leg.amount) OVER upto"
        "  FROM leg JOIN total USING (account_id) LEFT JOIN moved m USING (account_id)"
        "  WINDOW upto AS (PARTITION BY account_id ORDER BY place ROWS UNBOUNDED PRECEDING))"
        "SELECT count(*) FROM fresh",
        ATLAS_PG_TYPES(ATLAS_PG_TEXT_ARRAY, ATLAS_PG_UUID_ARRAY, ATLAS_PG_TEXT_ARRAY,
                       ATLAS_PG_TEXT_ARRAY, ATLAS_PG_TEXT_ARRAY, ATLAS_PG_TEXT_ARRAY,
                       ATLAS_PG_TEXT_ARRAY, ATLAS_PG_INT8_ARRAY, ATLAS_PG_TIMESTAMP),
        ATLAS_PG_TYPES(ATLAS_PG_INT8)),
};

const struct atlas_pg_schema wallet_schema = {
    .size = sizeof wallet_schema,
    .migrations = wallet_migrations,
    .migration_count = WALLET_MIGRATION_COUNT,
    .statements = statements,
    .statement_count = ATLAS_COUNT(statements),
};

struct account_id {
    char text[ACCOUNT_ID_SIZE];
};

static struct account_id account_id_of(const char *kind, const char *owner, const char *currency)
{
    struct account_id id;

    snprintf(id.text, sizeof id.text, "%s/%s/%s", kind, owner, currency);
    return id;
}

/* Numbers beyond bigint are refused by PostgreSQL, and with them the whole statement. */
static atlas_status_t explain_overflow(struct atlas_call *call, atlas_status_t status)
{
    if (status != ATLAS_OUT_OF_RANGE) {
        return status;
    }
    return atlas_fail(call, ATLAS_FAILED_PRECONDITION,
                      "amount_minor: the balance would exceed %lld", (long long)INT64_MAX);
}

/* Runs the statement of a movement: one row is its journal and the balance, none says that nothing
 * was posted. */
static atlas_status_t post(struct atlas_call *call, uint32_t statement,
                           const struct atlas_pg_value *params, size_t count,
                           const struct wallet_movement *movement,
                           struct wallet_posting *ret_posting, bool *ret_is_posted)
{
    struct atlas_pg_result result;

    atlas_status_t status = atlas_pg_query(call, statement, params, count, &result);
    if (status != ATLAS_OK) {
        return explain_overflow(call, status);
    }
    *ret_is_posted = result.row_count == 1;
    if (*ret_is_posted) {
        ret_posting->journal_id = atlas_pg_get_text(&result, 0, 0);
        ret_posting->amount_minor = movement->amount_minor;
        ret_posting->balance_minor = atlas_pg_get_int(&result, 0, 1);
    }
    return ATLAS_OK;
}

atlas_status_t wallet_store_credit(struct atlas_call *call, const struct wallet_movement *movement,
                                   struct wallet_posting *ret_posting, bool *ret_is_posted)
{
    struct account_id user = account_id_of("user", movement->user_id, movement->currency);
    struct account_id world = account_id_of("world", movement->user_id, movement->currency);
    char journal_id[ATLAS_UUID_SIZE];

    atlas_uuid(call, journal_id);
    return post(call, WALLET_STMT_CREDIT,
                ATLAS_PG_PARAMS(atlas_pg_text(movement->user_id), atlas_pg_text(movement->currency),
                                atlas_pg_text(user.text), atlas_pg_text(world.text),
                                atlas_pg_int8(movement->amount_minor),
                                atlas_pg_text(movement->reference_id), atlas_pg_uuid(journal_id),
                                atlas_pg_timestamp(atlas_now_us(call))),
                movement, ret_posting, ret_is_posted);
}

atlas_status_t wallet_store_debit(struct atlas_call *call, const struct wallet_movement *movement,
                                  struct wallet_posting *ret_posting, bool *ret_is_posted)
{
    struct account_id user = account_id_of("user", movement->user_id, movement->currency);
    struct account_id world = account_id_of("world", movement->user_id, movement->currency);
    char journal_id[ATLAS_UUID_SIZE];

    atlas_uuid(call, journal_id);
    return post(call, WALLET_STMT_DEBIT,
                ATLAS_PG_PARAMS(atlas_pg_text(user.text), atlas_pg_text(world.text),
                                atlas_pg_int8(movement->amount_minor),
                                atlas_pg_text(movement->reference_id), atlas_pg_uuid(journal_id),
                                atlas_pg_timestamp(atlas_now_us(call))),
                movement, ret_posting, ret_is_posted);
}

atlas_status_t wallet_store_outcome(struct atlas_call *call, enum wallet_kind kind,
                                    const struct wallet_movement *movement,
                                    struct wallet_balance *ret_balance,
                                    struct wallet_posting *ret_posting)
{
    struct account_id user = account_id_of("user", movement->user_id, movement->currency);
    struct atlas_pg_result result;

    atlas_status_t status =
        atlas_pg_query(call, WALLET_STMT_OUTCOME,
                       ATLAS_PG_PARAMS(atlas_pg_int4((int32_t)kind), atlas_pg_text(user.text),
                                       atlas_pg_text(movement->reference_id)),
                       &result);
    if (status != ATLAS_OK) {
        return status;
    }
    if (result.row_count == 0) {
        return ATLAS_NOT_FOUND;
    }
    ret_balance->balance_minor = atlas_pg_get_int(&result, 0, 0);
    ret_balance->held_minor = atlas_pg_get_int(&result, 0, 1);
    ret_posting->journal_id =
        atlas_pg_is_null(&result, 0, 2) ? NULL : atlas_pg_get_text(&result, 0, 2);
    ret_posting->amount_minor = atlas_pg_get_int(&result, 0, 3);
    ret_posting->balance_minor = atlas_pg_get_int(&result, 0, 4);
    return ATLAS_OK;
}

atlas_status_t wallet_store_balance(struct atlas_call *call, const char *user_id,
                                    const char *currency, struct wallet_balance *ret_balance)
{
    struct account_id user = account_id_of("user", user_id, currency);
    struct atlas_pg_result result;

    atlas_status_t status = atlas_pg_query(call, WALLET_STMT_BALANCE,
                                           ATLAS_PG_PARAMS(atlas_pg_text(user.text)), &result);
    if (status != ATLAS_OK) {
        return status;
    }
    if (result.row_count == 0) {
        return ATLAS_NOT_FOUND;
    }
    ret_balance->balance_minor = atlas_pg_get_int(&result, 0, 0);
    ret_balance->held_minor = atlas_pg_get_int(&result, 0, 1);
    return ATLAS_OK;
}

/* The parameters of a charge: one array of values per column, in the order of the statement. */
enum {
    ORDER,
    JOURNAL,
    PASSENGER,
    PAYER,
    RECEIVABLE,
    PLATFORM_ACCOUNT,
    CURRENCY,
    PRICE,
    CHARGE_COLUMNS
};

/* Texts that only the arrays of a charge need. */
struct charge_ids {
    char journal[ATLAS_UUID_SIZE];
    struct account_id payer;
    struct account_id receivable;
    struct account_id platform;
};

static void fill_charge(struct atlas_call *call, const struct wallet_charge *charge,
                        struct charge_ids *ids, struct atlas_pg_value *const *columns, size_t n)
{
    atlas_uuid(call, ids->journal);
    ids->payer = account_id_of("user", charge->passenger_id, charge->currency);
    ids->receivable = account_id_of("receivable", charge->passenger_id, charge->currency);
    ids->platform = account_id_of("platform", PLATFORM, charge->currency);
    columns[ORDER][n] = atlas_pg_text(charge->order_id);
    columns[JOURNAL][n] = atlas_pg_uuid(ids->journal);
    columns[PASSENGER][n] = atlas_pg_text(charge->passenger_id);
    columns[PAYER][n] = atlas_pg_text(ids->payer.text);
    columns[RECEIVABLE][n] = atlas_pg_text(ids->receivable.text);
    columns[PLATFORM_ACCOUNT][n] = atlas_pg_text(ids->platform.text);
    columns[CURRENCY][n] = atlas_pg_text(charge->currency);
    columns[PRICE][n] = atlas_pg_int8(charge->price_minor);
}

atlas_status_t wallet_store_charge(struct atlas_call *call, const struct wallet_charge *charges,
                                   size_t count)
{
    struct charge_ids *ids = ATLAS_NEW(call, struct charge_ids, count);
    struct atlas_pg_value *values = ATLAS_NEW(call, struct atlas_pg_value, CHARGE_COLUMNS * count);
    struct atlas_pg_value *columns[CHARGE_COLUMNS];
    struct atlas_pg_value params[CHARGE_COLUMNS + 1];

    if (ids == NULL || values == NULL) {
        return atlas_no_memory(call);
    }
    for (size_t column = 0; column < CHARGE_COLUMNS; column++) {
        columns[column] = values + column * count;
        params[column] = atlas_pg_array(columns[column], count);
    }
    for (size_t n = 0; n < count; n++) {
        fill_charge(call, &charges[n], &ids[n], columns, n);
    }
    params[CHARGE_COLUMNS] = atlas_pg_timestamp(atlas_now_us(call));
    return explain_overflow(
        call, atlas_pg_query(call, WALLET_STMT_CHARGE, params, ATLAS_COUNT(params), NULL));
}
