"""The ledger under concurrent callers: every movement once, never below zero, always summing to zero."""

import random
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from audit import check_always
from ride import new_id

MAX = 9223372036854775807


def _credit(wallet, user, amount, reference):
    from atlas.wallet.v1 import wallet_pb2

    return wallet.CreditBalance(wallet_pb2.CreditBalanceRequest(
        user_id=user, amount_minor=amount, reference_id=reference), timeout=10)


def _debit(wallet, user, amount, reference):
    """The reply, or None if the balance did not cover it."""
    from atlas.wallet.v1 import wallet_pb2

    try:
        return wallet.DebitBalance(wallet_pb2.DebitBalanceRequest(
            user_id=user, amount_minor=amount, reference_id=reference), timeout=10)
    except grpc.RpcError as error:
        assert error.code() in (grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND), error
        return None


def _balance(wallet, user):
    from atlas.wallet.v1 import wallet_pb2

    return wallet.GetBalance(wallet_pb2.GetBalanceRequest(user_id=user), timeout=10).balance_minor


def test_concurrent_movements_add_up(atlas, servers):
    wallet, dice = atlas.stub("wallet"), random.Random(7)
    users = [new_id("user") for _ in range(3)]
    moves = [(dice.choice(users), dice.choice((_credit, _debit)), dice.randint(1, 50), f"m{n}")
             for n in range(400)]

    def run(move):
        user, step, amount, reference = move
        reply = step(wallet, user, amount, reference)
        return 0 if reply is None else amount if step is _credit else -amount

    with ThreadPoolExecutor(16) as pool:
        changes = list(pool.map(run, moves))
    for user in users:
        wanted = sum(change for change, move in zip(changes, moves) if move[0] == user)
        assert _balance(wallet, user) == wanted >= 0
    check_always(servers.postgres)


def test_one_reference_from_many_callers_moves_once(atlas, servers):
    wallet, user = atlas.stub("wallet"), new_id("user")
    with ThreadPoolExecutor(16) as pool:
        credits = list(pool.map(lambda _: _credit(wallet, user, 70, "same"), range(32)))
        debits = list(pool.map(lambda _: _debit(wallet, user, 30, "same"), range(32)))
    assert len({(one.journal_id, one.balance_minor) for one in credits}) == 1
    assert len({(one.journal_id, one.balance_minor) for one in debits}) == 1
    assert _balance(wallet, user) == 40
    check_always(servers.postgres)


def test_debits_share_the_last_money(atlas, servers):
    wallet, user = atlas.stub("wallet"), new_id("user")
    _credit(wallet, user, 100, "all")
    with ThreadPoolExecutor(16) as pool:
        debits = list(pool.map(lambda n: _debit(wallet, user, 30, f"d{n}"), range(16)))
    assert sum(one is not None for one in debits) == 3
    assert _balance(wallet, user) == 10
    check_always(servers.postgres)


def test_balance_does_not_overflow(atlas, servers):
    wallet, user = atlas.stub("wallet"), new_id("user")
    assert _credit(wallet, user, MAX, "all there is").balance_minor == MAX
    with pytest.raises(grpc.RpcError) as refused:
        _credit(wallet, user, 1, "one more")
    assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert "amount_minor" in refused.value.details()
    assert _balance(wallet, user) == MAX
    assert _debit(wallet, user, MAX, "back").balance_minor == 0
    check_always(servers.postgres)


def test_currencies_are_accounts_of_their_own(atlas):
    from atlas.wallet.v1 import wallet_pb2

    wallet, user = atlas.stub("wallet"), new_id("user")
    _credit(wallet, user, 5, "r")
    euro = wallet.CreditBalance(wallet_pb2.CreditBalanceRequest(
        user_id=user, amount_minor=7, currency="EUR", reference_id="r"), timeout=10)
    assert (euro.balance_minor, euro.currency) == (7, "EUR")
    assert _balance(wallet, user) == 5


def test_posted_journals_cannot_be_changed(servers, atlas):
    wallet, user = atlas.stub("wallet"), new_id("user")
    _credit(wallet, user, 5, "r")
    for table in ("journal", "entry"):
        with pytest.raises(Exception, match="append-only"):
            servers.postgres.psql(f"UPDATE wallet.{table} SET amount_minor = amount_minor + 1")
