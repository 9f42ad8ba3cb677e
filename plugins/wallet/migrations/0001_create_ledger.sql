-- compatible_since: 0.1.0
-- The ledger. Amounts are in the minor unit of the currency. An account's id is
-- "<kind>/<owner>/<currency>": user/alice/USD.
--   user        what a user has; never below zero
--   world       what came from outside for a user, negative; one per user, so that top-ups of
--               different users never wait for one row
--   receivable  what a user owes, negative
--   platform    what the platform earned
CREATE TABLE account (
    account_id text PRIMARY KEY,
    kind text NOT NULL,
    owner text NOT NULL,
    currency text NOT NULL,
    balance_minor bigint NOT NULL DEFAULT 0,
    held_minor bigint NOT NULL DEFAULT 0 CONSTRAINT account_held CHECK (held_minor >= 0),
    seq bigint NOT NULL DEFAULT 0,
    may_overdraw boolean NOT NULL,
    CONSTRAINT account_name CHECK (account_id = kind || '/' || owner || '/' || currency),
    CONSTRAINT account_no_overdraft CHECK (may_overdraw OR balance_minor - held_minor >= 0)
) WITH (fillfactor = 50);

-- One movement of money. account_id is the account that the reference belongs to: the user's for
-- credits (kind 1) and debits (2), the platform's for charges (3), whose reference is the order.
CREATE TABLE journal (
    journal_id uuid PRIMARY KEY,
    kind smallint NOT NULL CONSTRAINT journal_kind CHECK (kind BETWEEN 1 AND 3),
    account_id text NOT NULL REFERENCES account,
    reference text NOT NULL,
    amount_minor bigint NOT NULL CONSTRAINT journal_amount CHECK (amount_minor > 0),
    posted_at timestamptz NOT NULL,
    CONSTRAINT journal_once UNIQUE (kind, account_id, reference)
);

-- The legs of a movement; those of one journal sum to zero.
CREATE TABLE entry (
    account_id text NOT NULL REFERENCES account,
    seq bigint NOT NULL,
    journal_id uuid NOT NULL REFERENCES journal,
    amount_minor bigint NOT NULL CONSTRAINT entry_amount CHECK (amount_minor <> 0),
    balance_after_minor bigint NOT NULL,
    PRIMARY KEY (account_id, seq)
);
CREATE INDEX entry_journal ON entry (journal_id);

-- Money promised for something that is still to happen. States: 0 held, 1 captured, 2 void.
CREATE TABLE hold (
    hold_id uuid PRIMARY KEY,
    account_id text NOT NULL REFERENCES account,
    reference text NOT NULL,
    amount_minor bigint NOT NULL CONSTRAINT hold_amount CHECK (amount_minor > 0),
    captured_minor bigint NOT NULL DEFAULT 0,
    status smallint NOT NULL DEFAULT 0 CONSTRAINT hold_status CHECK (status BETWEEN 0 AND 2),
    expires_at timestamptz NOT NULL,
    CONSTRAINT hold_once UNIQUE (account_id, reference),
    CONSTRAINT hold_captured CHECK (captured_minor BETWEEN 0 AND amount_minor)
);
CREATE INDEX hold_expiry ON hold (expires_at) WHERE status = 0;

-- What is posted stays posted; a correction is another journal.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
