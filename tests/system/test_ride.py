"""A ride from request to money, over REST and over gRPC, and each promise of its steps."""

import re

import pytest
from audit import check_at_rest
from ride import Ride, lonely_place, new_id
from traffic import Traffic
from wait import wait_until

RFC3339 = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


def test_ride_by_rest(rest, servers):
    ride = Ride(rest)
    first = ride.credit(5_000_000, "top-up")
    assert int(first["balance_minor"]) == 5_000_000
    ride.place_driver()

    created = ride.create()
    assert created["status"] == "CREATED" and ride.price > 0
    found = ride.request()
    assert found["ride_id"] == ride.order and found["driver_id"] == ride.driver
    assert found["distance_km"] < 0.1
    order = ride.wait_matched()
    assert order["driver_id"] == ride.driver and order["version"] == 2
    assert RFC3339.match(order["created_at"]) and RFC3339.match(order["updated_at"])
    position = wait_until(lambda: ride.show().get("driver"), "the driver's position in the order")
    assert position["latitude"] == pytest.approx(ride.latitude, abs=1e-4)

    for status in ("STARTED", "FINISHED"):
        moved = ride.move(status)
        assert moved.status == 200 and moved.json["status"] == status
    wait_until(lambda: ride.balance() == 5_000_000 - ride.price, "the fare to be charged")
    check_at_rest(servers)


def test_ride_by_grpc(atlas, servers):
    from atlas.dispatch.v1 import dispatch_pb2
    from atlas.order.v1 import order_pb2, status_pb2
    from atlas.tracker.v1 import tracker_pb2
    from atlas.wallet.v1 import wallet_pb2

    tracker, order, dispatch, wallet = map(atlas.stub, ("tracker", "order", "dispatch", "wallet"))
    passenger, driver = new_id("passenger"), new_id("driver")
    latitude, longitude = lonely_place()
    wallet.CreditBalance(wallet_pb2.CreditBalanceRequest(
        user_id=passenger, amount_minor=100, reference_id="only"), timeout=10)
    accepted = tracker.UpdateLocation(tracker_pb2.UpdateLocationRequest(
        driver_id=driver, latitude=latitude, longitude=longitude), timeout=10)
    assert accepted.accepted
    created = order.CreateOrder(order_pb2.CreateOrderRequest(
        passenger_id=passenger, pickup_lat=latitude, pickup_long=longitude, dropoff_lat=latitude + 0.1,
        dropoff_long=longitude),
        timeout=10)

    ask = dispatch_pb2.RequestRideRequest(order_id=created.order_id, passenger_id=passenger)
    found = wait_until(lambda: (reply := dispatch.RequestRide(ask, timeout=10)).driver_id and reply,
                       "a driver", 20.0, pause_s=0.1)
    assert found.status == dispatch_pb2.DRIVERS_FOUND and found.driver_id == driver
    get = order_pb2.GetOrderRequest(order_id=created.order_id)
    wait_until(lambda: order.GetOrder(get, timeout=10).status == status_pb2.MATCHED, "MATCHED")
    for status in (status_pb2.STARTED, status_pb2.FINISHED):
        order.UpdateOrderStatus(order_pb2.UpdateOrderStatusRequest(
            order_id=created.order_id, status=status), timeout=10)

    balance = wallet_pb2.GetBalanceRequest(user_id=passenger)
    wait_until(lambda: wallet.GetBalance(balance, timeout=10).balance_minor == 0,
               "what the balance covers to be charged")
    check_at_rest(servers)
    owed = servers.postgres.psql("SELECT -sum(balance_minor) FROM wallet.account "
                                 f"WHERE kind = 'receivable' AND owner = '{passenger}'")
    assert int(owed) == created.price_minor - 100


def test_repeats_change_nothing(rest):
    ride = Ride(rest)
    first, again = ride.credit(700, "once"), ride.credit(700, "once")
    assert first == again and ride.balance() == 700
    other = rest.post("/customer/wallet/credit", {"user_id": ride.passenger, "amount_minor": 701,
                                                  "reference_id": "once"})
    assert (other.status, other.json["code"]) == (409, 6)

    ride.ride_to("MATCHED")
    assert ride.request()["driver_id"] == ride.driver
    assert ride.move("STARTED").json == ride.move("STARTED").json
    assert ride.show()["version"] == 3


def test_driver_serves_one_ride_at_a_time(rest):
    busy = Ride(rest)
    busy.ride_to("MATCHED")
    second = Ride(rest, (busy.latitude, busy.longitude))
    second.create()
    reply = rest.post("/customer/ride/request", {"order_id": second.order})
    assert reply.json["status"] == "DRIVERS_NOT_FOUND" and not reply.json["driver_id"]

    busy.move("STARTED")
    busy.move("FINISHED")
    assert second.request()["driver_id"] == busy.driver


def test_positions_never_move_back(atlas):
    from atlas.tracker.v1 import tracker_pb2
    from google.protobuf.timestamp_pb2 import Timestamp

    tracker, driver = atlas.stub("tracker"), new_id("driver")
    now = Timestamp()
    now.GetCurrentTime()

    def send(latitude, seconds):
        at = Timestamp(seconds=now.seconds + seconds)
        tracker.UpdateLocation(tracker_pb2.UpdateLocationRequest(
            driver_id=driver, latitude=latitude, longitude=5.0, timestamp=at), timeout=10)

    def latitude():
        import grpc
        try:
            reply = tracker.GetDriverLocation(
                tracker_pb2.GetDriverLocationRequest(driver_id=driver), timeout=10)
            return reply.latitude
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.NOT_FOUND
            return None

    send(5.0, -1)
    send(6.0, -20)  # same key, so the same partition: handled before the next
    send(5.1, 0)
    wait_until(lambda: latitude() == pytest.approx(5.1, abs=1e-4), "the newest position")


def test_nearby_is_nearest_first_and_bounded(atlas):
    from atlas.tracker.v1 import tracker_pb2

    tracker = atlas.stub("tracker")
    drivers = [new_id("near") for _ in range(5)]
    latitude, longitude = lonely_place()
    for steps, driver in enumerate(drivers):
        tracker.UpdateLocation(tracker_pb2.UpdateLocationRequest(
            driver_id=driver, latitude=latitude + steps * 0.005, longitude=longitude), timeout=10)

    def nearby(**bounds):
        reply = tracker.GetNearbyDrivers(tracker_pb2.GetNearbyDriversRequest(
            latitude=latitude, longitude=longitude, **bounds), timeout=10)
        return [found for found in reply.drivers if found.driver_id in drivers]

    found = wait_until(lambda: len(all_of := nearby()) == 5 and all_of, "all five drivers")
    assert [one.driver_id for one in found] == drivers
    assert found[1].distance_km == pytest.approx(0.556, rel=0.02)
    assert [one.driver_id for one in nearby(limit=2)] == drivers[:2]
    assert [one.driver_id for one in nearby(radius_km=0.7)] == drivers[:2]


def test_nearby_looks_over_the_antimeridian(atlas):
    from atlas.tracker.v1 import tracker_pb2

    tracker, latitude = atlas.stub("tracker"), lonely_place()[0]
    places = {new_id("edge"): longitude for longitude in (180.0, -180.0, 179.999999999, 179.99, -179.99)}
    for driver, longitude in places.items():
        tracker.UpdateLocation(tracker_pb2.UpdateLocationRequest(
            driver_id=driver, latitude=latitude, longitude=longitude), timeout=10)

    def found_from(longitude):
        reply = tracker.GetNearbyDrivers(tracker_pb2.GetNearbyDriversRequest(
            latitude=latitude, longitude=longitude), timeout=10)
        return {found.driver_id for found in reply.drivers}

    for longitude in (180.0, -180.0, 179.999, -179.999):
        wait_until(lambda: found_from(longitude) == set(places), f"all drivers, seen from {longitude}")


def test_overview_answers_each_part(rest):
    ride = Ride(rest)
    empty = rest.get(f"/customer/overview?user_id={ride.passenger}").json
    assert {empty[part]["state"] for part in ("wallet", "order", "drivers")} == {"NONE"}

    ride.credit(10)
    ride.place_driver()
    ride.create()
    full = wait_until(
        lambda: (view := rest.get(f"/customer/overview?user_id={ride.passenger}").json)
        and any(one["driver_id"] == ride.driver for one in view["drivers"].get("drivers", ())) and view,
        "the driver in the overview")
    assert {full[part]["state"] for part in ("wallet", "order", "drivers")} == {"AVAILABLE"}
    assert full["wallet"]["balance"]["balance_minor"] == "10"
    assert full["order"]["order"]["order_id"] == ride.order


def test_both_spellings_are_accepted(rest):
    reply = rest.post("/driver/location", {"driverId": new_id("driver"), "latitude": 1, "longitude": 1})
    assert reply.status == 200, reply.text


def test_many_rides_at_once(atlas, servers):
    with Traffic(atlas, riders=6) as traffic:
        traffic.wait_rides(30)
    traffic.assert_no_faults()
    check_at_rest(servers, traffic.log)
