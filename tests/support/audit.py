"""Nothing accepted is lost, nothing applied twice: the database against itself and the riders' log."""

import paths
from wait import wait_until

_SYSTEM = paths.ROOT / "tests" / "system"


def check_always(postgres):
    """Invariants that hold at any instant."""
    assert _violations(postgres, "invariants.sql") == ""


def check_at_rest(servers, log=None, timeout_s=60.0):
    """Waits until every event was consumed, then checks all invariants and the log of a Traffic."""
    postgres = servers.postgres
    wait_until(lambda: _outbox_rows(postgres) == 0, "the outboxes to be empty", timeout_s)
    try:
        wait_until(lambda: _violations(postgres, "invariants_at_rest.sql") == "",
                   "the consumers to have caught up", timeout_s, pause_s=0.2)
    except Exception as error:
        found = _violations(postgres, "invariants_at_rest.sql")
        raise AssertionError(f"{error}; still broken:\n{found[:2000]}") from None
    check_always(postgres)
    if log is not None:
        _check_log(postgres, log)


def _violations(postgres, file):
    return postgres.psql((_SYSTEM / file).read_text())


def _outbox_rows(postgres):
    tables = postgres.psql("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
                           "WHERE tablename = 'outbox'").split()
    return sum(int(postgres.psql(f"SELECT count(*) FROM {table}")) for table in tables)


def _check_log(postgres, log):
    wanted = ", ".join(f"('{reference}', 'user/{user}/', {amount})"
                       for reference, (user, amount) in log.credits.items())
    if wanted:
        lost = postgres.psql(
            f"SELECT w.reference FROM (VALUES {wanted}) AS w(reference, account, amount) "
            "LEFT JOIN wallet.journal j ON j.kind = 1 AND j.reference = w.reference "
            "AND j.account_id LIKE w.account || '%' AND j.amount_minor = w.amount "
            "GROUP BY w.reference HAVING count(j.journal_id) <> 1")
        assert lost == "", f"credits not applied exactly once: {lost}"
    _check_orders(postgres, log.orders, "true", "accepted orders that are gone")
    _check_orders(postgres, log.finished, "o.status = 4", "rides finished for their rider only")


def _check_orders(postgres, orders, condition, complaint):
    wanted = ", ".join(f"('{order}'::uuid)" for order in orders)
    if wanted:
        lost = postgres.psql(
            f'SELECT w.id FROM (VALUES {wanted}) AS w(id) LEFT JOIN "order".orders o '
            f"ON o.order_id = w.id AND {condition} WHERE o.order_id IS NULL")
        assert lost == "", f"{complaint}: {lost}"
