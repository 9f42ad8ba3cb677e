"""Records that cannot be understood go to the dead-letter topic with the reason; the consumer goes on.
Events that come again change nothing."""

import uuid

import pytest
import records
from audit import check_at_rest
from ride import Ride
from wait import wait_until


# The second says its first field 250,000 times: unpacked it would need more memory than a call has.
@pytest.mark.parametrize("value", [b"\xff\xff not a message", b"\x0a\x01a" * 250_000], ids=["bytes", "greedy"])
@pytest.mark.parametrize("topic", ["driver-gps", "ride-dispatch", "order-events"])
def test_malformed_record_goes_to_dead_letters(atlas, rest, servers, topic, value):
    key = uuid.uuid4().hex
    records.produce(servers.kafka.port, topic, key, value)
    dead = records.find(servers.kafka.port, f"{topic}.dead", lambda one: one.key() == key.encode())
    assert dead.value() == value
    assert any("reason" in name and value for name, value in dead.headers() or ())

    ride = Ride(rest)
    ride.credit(1_000_000)
    ride.ride_to("FINISHED")
    wait_until(lambda: ride.balance() < 1_000_000, "the fare to be charged", 30.0)
    check_at_rest(servers)


def test_impossible_position_goes_to_dead_letters(servers, atlas):
    from atlas.events.v1 import events_pb2

    key = uuid.uuid4().hex
    event = events_pb2.DriverLocationEvent(driver_id=key, latitude=95.0, longitude=1.0)
    event.timestamp.GetCurrentTime()
    records.produce(servers.kafka.port, "driver-gps", key, event.SerializeToString())
    dead = records.find(servers.kafka.port, "driver-gps.dead", lambda one: one.key() == key.encode())
    reasons = [value for name, value in dead.headers() if "reason" in name]
    assert reasons and b"latitude" in reasons[0]


def test_repeated_events_change_nothing(atlas, rest, servers):
    ride = Ride(rest)
    ride.credit(1_000_000)
    ride.ride_to("FINISHED")
    wait_until(lambda: ride.balance() < 1_000_000, "the fare to be charged", 30.0)
    balance, version = ride.balance(), ride.show()["version"]

    def event_of_ride(record):
        return record.key() == ride.order.encode()

    for topic in ("ride-dispatch", "order-events"):
        event = records.find(servers.kafka.port, topic, event_of_ride)
        for _ in range(3):
            records.produce(servers.kafka.port, topic, event.key(), event.value(), event.headers())
    other = Ride(rest)  # its events come after the repeats on at least its own partition
    other.credit(1_000_000)
    other.ride_to("FINISHED")
    wait_until(lambda: other.balance() < 1_000_000, "the other fare to be charged", 30.0)
    check_at_rest(servers)
    assert (ride.balance(), ride.show()["version"]) == (balance, version)


def _write_outbox(servers, rows):
    """Writes rows (topic, key, bytes of payload) into Order's outbox, in one transaction."""
    values = ", ".join(f"('{topic}', '{key}', 'test', repeat('x', {size})::bytea)"
                       for topic, key, size in rows)
    servers.postgres.psql(f'INSERT INTO "order".outbox (topic, key, type, payload) VALUES {values}')


def _reason(servers, topic, key):
    return servers.postgres.psql(
        f"""SELECT reason FROM "order".outbox_dead WHERE topic = '{topic}' AND key = '{key}'""")


def test_event_that_the_broker_refuses_is_set_aside_alone(servers, atlas):
    """A record larger than the topic takes makes the broker refuse what was sent together with it. Only
    that record goes to outbox_dead; its neighbours and the next one of its key arrive."""
    topic = f"narrow-{uuid.uuid4().hex[:8]}"
    records.create_topic(servers.kafka.port, topic, {"max.message.bytes": "20000"})
    small = [(topic, f"small-{number}", 1000) for number in range(60)]
    _write_outbox(servers, [*small[:30], (topic, "wide", 40_000), (topic, "wide", 100), *small[30:]])
    found = records.keys(servers.kafka.port, topic, len(small) + 1)
    assert sorted(found) == sorted([key for _, key, _ in small] + ["wide"])
    wait_until(lambda: _reason(servers, topic, "wide"), "the large event in outbox_dead")
    assert "larger" in _reason(servers, topic, "wide")
    dead = servers.postgres.psql(f"""SELECT count(*) FROM "order".outbox_dead WHERE topic = '{topic}'""")
    assert int(dead) == 1
    check_at_rest(servers)


def test_event_for_an_impossible_topic_is_set_aside(servers, atlas):
    key = uuid.uuid4().hex
    _write_outbox(servers, [("no such topic!", key, 1), ("order-events.dead", key, 1)])
    wait_until(lambda: _reason(servers, "no such topic!", key), "the event in outbox_dead")
    assert "cannot be" in _reason(servers, "no such topic!", key)
    records.find(servers.kafka.port, "order-events.dead", lambda one: one.key() == key.encode())
    check_at_rest(servers)
