"""One driver, one ride: under concurrent requests, with leases that end and events that come late."""

import time
from concurrent.futures import ThreadPoolExecutor

import records
from audit import check_at_rest
from ride import Ride, lonely_place, new_id
from wait import wait_until


def _reservation(servers, order):
    return servers.postgres.psql("SELECT driver_id, status FROM dispatch.reservation "
                                 f"WHERE ride_id = '{order}' ORDER BY reservation_id")


def _insert_overdue(servers, order, driver):
    """A reservation whose lease and grace period are over."""
    servers.postgres.psql(
        "INSERT INTO dispatch.reservation (ride_id, passenger_id, driver_id, distance_km, status, "
        f"reserved_at, lease_until) VALUES ('{order}', 'p', '{driver}', 1, 1, "
        "now() - interval '90 s', now() - interval '30 s')")


def _dispatched(order, driver, expires_s):
    from atlas.events.v1 import events_pb2

    event = events_pb2.RideDispatchedEvent(order_id=order, driver_id=driver, distance_km=1)
    event.expires_at.FromSeconds(int(time.time() + expires_s))
    return event.SerializeToString()


def test_many_requests_never_share_a_driver(atlas, rest, servers):
    from atlas.dispatch.v1 import dispatch_pb2

    dispatch = atlas.stub("dispatch")
    place = lonely_place()
    first = [Ride(rest, place) for _ in range(12)]
    for ride in first:
        ride.create()
    for ride in first[:5]:
        ride.place_driver()
    drivers = {ride.driver for ride in first[:5]}
    wait_until(lambda: len(drivers & _nearby(atlas, place)) == 5, "the drivers to be found")

    def ask(ride):
        return dispatch.RequestRide(dispatch_pb2.RequestRideRequest(order_id=ride.order), timeout=10)

    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(ask, first))
        again = list(pool.map(ask, first))
    found = [reply.driver_id for reply in replies if reply.driver_id]
    assert len(found) == len(set(found)) and set(found) <= drivers
    for reply, repeat in zip(replies, again):
        assert not reply.driver_id or repeat == reply
    assert {reply.driver_id for reply in replies + again if reply.driver_id} == drivers
    for ride, repeat in zip(first, again):
        if repeat.driver_id:
            ride.driver = repeat.driver_id
            ride.wait_matched()
            assert [ride.move(status).status for status in ("STARTED", "FINISHED")] == [200, 200]
    check_at_rest(servers)


def _nearby(atlas, place):
    from atlas.tracker.v1 import tracker_pb2

    reply = atlas.stub("tracker").GetNearbyDrivers(tracker_pb2.GetNearbyDriversRequest(
        latitude=place[0], longitude=place[1]), timeout=10)
    return {driver.driver_id for driver in reply.drivers}


def test_one_ride_from_many_requests_has_one_driver(atlas, rest, servers):
    from atlas.dispatch.v1 import dispatch_pb2

    dispatch = atlas.stub("dispatch")
    place = lonely_place()
    ride, others = Ride(rest, place), [Ride(rest, place) for _ in range(3)]
    for one in (ride, *others):
        one.place_driver()
    wait_until(lambda: len(_nearby(atlas, place)) >= 4, "the drivers to be found")
    ride.create()
    request = dispatch_pb2.RequestRideRequest(order_id=ride.order)
    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(lambda _: dispatch.RequestRide(request, timeout=10), range(24)))
    assert len({reply.driver_id for reply in replies if reply.driver_id}) == 1
    assert ride.wait_matched()["version"] == 2
    assert len(_reservation(servers, ride.order).splitlines()) == 1


def test_reservation_that_order_never_saw_expires(rest, servers):
    ride = Ride(rest)
    ride.create()
    _insert_overdue(servers, ride.order, ride.driver)
    wait_until(lambda: _reservation(servers, ride.order).endswith("|4"), "the reservation to expire", 20.0)
    ride.place_driver()
    assert ride.request()["driver_id"] == ride.driver
    ride.wait_matched()


def test_overdue_reservation_of_a_matched_order_is_kept(rest, servers):
    ride = Ride(rest)
    ride.ride_to("MATCHED")
    servers.postgres.psql("UPDATE dispatch.reservation SET status = 1, "
                          "lease_until = now() - interval '30 s' "
                          f"WHERE ride_id = '{ride.order}'")
    wait_until(lambda: _reservation(servers, ride.order) == f"{ride.driver}|2",
               "the reservation to be confirmed", 20.0)


def test_event_after_its_end_gives_no_driver(atlas, rest, servers):
    ride = Ride(rest)
    ride.create()
    records.produce(servers.kafka.port, "ride-dispatch", ride.order,
                    _dispatched(ride.order, new_id("late"), -1))
    ride.place_driver()  # the same key, so the same partition: handled behind the late one
    assert ride.request()["driver_id"] == ride.driver
    matched = ride.wait_matched()
    assert (matched["driver_id"], matched["version"]) == (ride.driver, 2)


def test_driver_on_a_ride_is_refused_by_order_too(atlas, rest, servers):
    busy, second = Ride(rest), Ride(rest)
    busy.ride_to("MATCHED")
    second.create()
    records.produce(servers.kafka.port, "ride-dispatch", second.order,
                    _dispatched(second.order, busy.driver, 60))
    dead = records.find(servers.kafka.port, "ride-dispatch.dead",
                        lambda one: one.key() == second.order.encode())
    assert any(b"is on another ride" in value for _, value in dead.headers())
    assert second.show()["status"] == "CREATED"
