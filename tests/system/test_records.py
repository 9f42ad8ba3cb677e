"""Records that cannot be understood go to the dead-letter topic with the reason; the consumer goes on.
Events that come again change nothing."""

import uuid

import pytest
import records
from audit import check_at_rest
from ride import Ride
from wait import wait_until


@pytest.mark.parametrize("topic", ["driver-gps", "ride-dispatch", "order-events"])
def test_malformed_record_goes_to_dead_letters(atlas, rest, servers, topic):
    key = uuid.uuid4().hex
    records.produce(servers.kafka.port, topic, key, b"\xff\xff not a message")
    dead = records.find(servers.kafka.port, f"{topic}.dead", lambda one: one.key() == key.encode())
    assert dead.value() == b"\xff\xff not a message"
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
