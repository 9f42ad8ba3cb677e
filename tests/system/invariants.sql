-- What must hold at any instant, whatever was killed before: every query returns no rows. Run it as
-- `psql -XAtq -v ON_ERROR_STOP=1 -f invariants.sql`: any output is a broken invariant, each line
-- starting with its name. It reads one snapshot, so it may run under traffic.
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- 1. Money is neither made nor lost.
SELECT 'money_sum', currency, sum(balance_minor)
FROM wallet.account GROUP BY currency HAVING sum(balance_minor) <> 0;

-- 2. Every journal has at least two entries, and they sum to zero.
SELECT 'journal_sum', j.journal_id, coalesce(sum(e.amount_minor), 0), count(e.journal_id)
FROM wallet.journal j LEFT JOIN wallet.entry e USING (journal_id)
GROUP BY j.journal_id HAVING coalesce(sum(e.amount_minor), 0) <> 0 OR count(e.journal_id) < 2;

-- 3. A balance is the sum of its entries, numbered without gaps.
SELECT 'balance_is_log', a.account_id, a.balance_minor, a.seq, e.total, e.lines, e.last
FROM wallet.account a LEFT JOIN (
    SELECT account_id, sum(amount_minor) AS total, count(*) AS lines, max(seq) AS last
    FROM wallet.entry GROUP BY account_id) e USING (account_id)
WHERE a.balance_minor <> coalesce(e.total, 0) OR a.seq <> coalesce(e.lines, 0)
    OR coalesce(e.lines, 0) <> coalesce(e.last, 0);

-- 4. Every entry continues the balance of the one before it.
SELECT 'running_balance', account_id, seq, balance_after_minor
FROM (SELECT account_id, seq, amount_minor, balance_after_minor,
        lag(balance_after_minor, 1, 0::bigint) OVER (PARTITION BY account_id ORDER BY seq) AS before
      FROM wallet.entry) e
WHERE balance_after_minor <> before + amount_minor;

-- 5. Nobody is overdrawn, and what is held is the sum of the holds.
SELECT 'overdraft', account_id, balance_minor, held_minor
FROM wallet.account WHERE NOT may_overdraw AND balance_minor - held_minor < 0;
SELECT 'held_is_holds', a.account_id, a.held_minor, h.total
FROM wallet.account a LEFT JOIN (
    SELECT account_id, sum(amount_minor) AS total FROM wallet.hold WHERE status = 0
    GROUP BY account_id) h USING (account_id)
WHERE a.held_minor <> coalesce(h.total, 0);

-- 6. The history of an order has no gaps, follows the states and ends in the present one.
SELECT 'order_history', o.order_id, o.status, o.version, count(c.version)
FROM "order".orders o LEFT JOIN "order".order_change c USING (order_id)
GROUP BY o.order_id
HAVING count(c.version) <> o.version OR min(c.version) <> 1 OR max(c.version) <> o.version
    OR max(c.to_status) <> o.status;
SELECT 'order_step', order_id, version, from_status, before
FROM (SELECT order_id, version, from_status,
        lag(to_status, 1, 0::smallint) OVER (PARTITION BY order_id ORDER BY version) AS before
      FROM "order".order_change) c
WHERE from_status <> before;

-- 7. A driver is on one ride at a time, for Order as for Dispatch.
SELECT 'driver_on_two_orders', driver_id, count(*)
FROM "order".orders WHERE status IN (2, 3) GROUP BY driver_id HAVING count(*) > 1;
SELECT 'driver_reserved_twice', driver_id, count(*)
FROM dispatch.reservation WHERE status IN (1, 2) GROUP BY driver_id HAVING count(*) > 1;

-- 8. An order is charged only when it is FINISHED, and with its price.
SELECT 'charge_without_ride', j.reference, j.amount_minor, o.status, o.price_minor
FROM wallet.journal j LEFT JOIN "order".orders o ON o.order_id::text = j.reference
WHERE j.kind = 3 AND (o.status IS DISTINCT FROM 4 OR o.price_minor <> j.amount_minor);

COMMIT;
