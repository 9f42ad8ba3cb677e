"""The gateway's views while what is behind them hangs: each part has its own time, the others are shown."""

import contextlib
import signal
import time

import pytest
from ride import Ride

# gateway.part_timeout is 1s; the drivers are asked for when the order is known.
_PARTS_S, _SLACK_S = 2.0, 1.5


@pytest.fixture
def ride(rest):
    ride = Ride(rest)
    ride.credit(1000)
    ride.ride_to("MATCHED")
    return ride


def _states(rest, ride):
    """Of wallet, order and drivers; the answer must come in time."""
    began = time.monotonic()
    view = rest.get(f"/customer/overview?user_id={ride.passenger}")
    assert view.status == 200, view.text
    assert time.monotonic() - began < _PARTS_S + _SLACK_S
    return tuple(view.json[part]["state"] for part in ("wallet", "order", "drivers"))


@contextlib.contextmanager
def _hanging(atlas, plugin):
    """The plugin's process takes requests and says nothing."""
    process = atlas.hosts.serving(plugin).process
    process.send(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send(signal.SIGCONT)


def test_overview_shows_the_others_while_the_wallet_is_locked(rest, servers, ride):
    with servers.postgres.locked("wallet.account"):
        assert _states(rest, ride) == ("UNAVAILABLE", "AVAILABLE", "AVAILABLE")
    assert _states(rest, ride) == ("AVAILABLE", "AVAILABLE", "AVAILABLE")


def test_overview_shows_the_wallet_while_orders_are_locked(rest, servers, ride):
    with servers.postgres.locked('"order".orders'):
        assert _states(rest, ride) == ("AVAILABLE", "UNAVAILABLE", "UNAVAILABLE")
    assert _states(rest, ride) == ("AVAILABLE", "AVAILABLE", "AVAILABLE")


def test_views_are_shown_while_tracker_hangs(atlas, rest, ride):
    if not atlas.split:
        pytest.skip("in one process the gateway would hang with it")
    with _hanging(atlas, "tracker"):
        assert _states(rest, ride) == ("AVAILABLE", "AVAILABLE", "UNAVAILABLE")
        began = time.monotonic()
        view = rest.get(f"/customer/order?id={ride.order}")
        assert view.status == 200 and time.monotonic() - began < 1.0 + _SLACK_S
        assert view.json["driver_id"] and not view.json.get("driver")
    assert _states(rest, ride) == ("AVAILABLE", "AVAILABLE", "AVAILABLE")
