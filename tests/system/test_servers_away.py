"""Each server stopped and started again under traffic: UNAVAILABLE meanwhile, nothing lost after."""

import signal
import time

import pytest
from audit import check_at_rest
from ride import Ride, new_id
from traffic import AWAY, Traffic
from wait import wait_until

# What must go on while a server is away, and what must answer 503 within its deadline.
CREDIT = ("POST", "/customer/wallet/credit", {"user_id": "away", "amount_minor": 1})
LOCATION = ("POST", "/driver/location", {"driver_id": "away", "latitude": 1, "longitude": 1})
NEEDS = {"postgres": CREDIT, "redis": None, "kafka": LOCATION}
WORKS = {"postgres": LOCATION, "redis": CREDIT, "kafka": CREDIT}


def _ask(rest, step):
    method, path, body = step
    if path.endswith("credit"):
        body = {**body, "reference_id": new_id("away")}
    return rest.request(method, path, body)


@pytest.mark.parametrize("name", ["postgres", "redis", "kafka"])
def test_server_away_under_traffic(atlas, rest, servers, name):
    server = getattr(servers, name)
    with Traffic(atlas, tolerated=AWAY) as traffic:
        traffic.wait_rides(4)
        server.process.stop()
        try:
            assert _ask(rest, WORKS[name]).status == 200
            if NEEDS[name]:
                began = time.monotonic()
                reply = _ask(rest, NEEDS[name])
                assert reply.status in AWAY, reply.text
                assert time.monotonic() - began < 8.0
            wait_until(lambda: any(host.admin("/readyz")[0] == 503 for host in atlas.hosts.all),
                       f"/readyz to say that {name} is away")
            assert all(host.admin("/healthz")[0] == 200 for host in atlas.hosts.all)
        finally:
            server.start()
            server.wait_ready()
        for host in atlas.hosts.all:
            wait_until(host.is_ready, f"{host.name} to be ready again")
        traffic.wait_rides(4, timeout_s=30.0)  # everybody is back in seconds, consumers too
    check_at_rest(servers, traffic.log)


def test_event_waits_for_kafka(atlas, rest, servers):
    """An accepted change whose event cannot be sent is sent when Kafka answers again."""
    ride = Ride(rest)
    ride.credit(1_000_000)
    ride.ride_to("STARTED")
    servers.kafka.process.send(signal.SIGSTOP)
    try:
        assert ride.move("FINISHED").status == 200
    finally:
        servers.kafka.process.send(signal.SIGCONT)
    wait_until(lambda: ride.balance() == 1_000_000 - ride.price, "the fare to be charged", 60.0)
    check_at_rest(servers)


def test_a_broker_that_hangs_is_told_of(atlas, rest, servers):
    """It keeps its connections: that records ran out of their time is what shows it."""
    host = atlas.hosts.serving("tracker")
    servers.kafka.process.send(signal.SIGSTOP)
    try:
        assert _ask(rest, LOCATION).status in AWAY
        wait_until(lambda: host.admin("/readyz")[0] == 503, "/readyz to say that kafka is away")
        began = time.monotonic()
        assert _ask(rest, LOCATION).status in AWAY
        assert time.monotonic() - began < 4.0  # at once, not at the deadline
    finally:
        servers.kafka.process.send(signal.SIGCONT)
    wait_until(host.is_ready, "the host to be ready again")
    wait_until(lambda: _ask(rest, LOCATION).status == 200, "positions to be taken again")
    check_at_rest(servers)


def _retried_charges(atlas):
    return next(value for name, value in atlas.metrics("wallet").items()
                if name.startswith("atlas_kafka_consumer_retries_total") and "charge_orders" in name)


def test_charge_waits_for_a_database_that_is_mended(atlas, rest, servers):
    """A schema that is missing, to a plugin that serves or that starts, is not the fault of an event."""
    ride, host = Ride(rest), atlas.hosts.serving("wallet")

    def wait_retried():
        before = _retried_charges(atlas)
        wait_until(lambda: _retried_charges(atlas) > before, "the event to be tried again")

    ride.credit(1_000_000)
    ride.ride_to("STARTED")
    servers.postgres.psql("ALTER SCHEMA wallet RENAME TO wallet_elsewhere")
    try:
        assert ride.move("FINISHED").status == 200
        wait_retried()
        assert host.process.stop()
        rest.close()  # in one process its connection has gone with it
        servers.postgres.process.stop()  # with it the host would not start, and say what is missing
        position = host.log.stat().st_size
        host.start()
        atlas.wait_log("wallet", position, "postgres is away; .* plugin=wallet")
        servers.postgres.start()
        servers.postgres.wait_ready()
        atlas.wait_log("wallet", position, "the database does not fit; .* plugin=wallet")
        wait_retried()
    finally:
        servers.postgres.psql("ALTER SCHEMA wallet_elsewhere RENAME TO wallet")
    host.wait_ready()
    wait_until(lambda: ride.balance() == 1_000_000 - ride.price, "the fare to be charged", 60.0)
    check_at_rest(servers)


def test_overview_marks_what_is_away(atlas, rest, servers):
    ride = Ride(rest)
    ride.credit(10)
    ride.create()
    servers.redis.process.stop()
    try:
        view = rest.get(f"/customer/overview?user_id={ride.passenger}")
        assert view.status == 200, view.text
        assert view.json["wallet"]["state"] == "AVAILABLE"
        assert view.json["drivers"]["state"] == "UNAVAILABLE"
    finally:
        servers.redis.start()
        servers.redis.wait_ready()
    for host in atlas.hosts.all:
        wait_until(host.is_ready, f"{host.name} to be ready again")
