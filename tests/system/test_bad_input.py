"""What must be refused, with the right status and a JSON body, and without a trace in the database."""

import json
import uuid

import grpc
import pytest
from ride import Ride, new_id

ORDER = {"passenger_id": "p", "pickup_lat": 1, "pickup_long": 1, "dropoff_lat": 1.1, "dropoff_long": 1.1}
PLACE = {"driver_id": "d", "latitude": 1, "longitude": 1}
CREDIT = {"user_id": "u", "amount_minor": "5", "reference_id": "r"}
NOBODY = str(uuid.UUID(int=1))

# (name, method, path, body, HTTP status, gRPC code or None, a word of the message)
CASES = [
    ("unknown_route", "GET", "/customer/nothing", None, 404, None, "/customer/nothing"),
    ("malformed_json", "POST", "/customer/order", '{"passenger_id": ', 400, 3, ""),
    ("json_not_object", "POST", "/customer/order", "[1]", 400, 3, ""),
    ("empty_body", "POST", "/customer/order", "", 400, 3, ""),
    ("unknown_field", "POST", "/customer/order", {**ORDER, "colour": "red"}, 400, 3, "colour"),
    ("wrong_type", "POST", "/customer/order", {**ORDER, "pickup_lat": "north"}, 400, 3, "pickup_lat"),
    ("id_not_text", "POST", "/customer/order", {**ORDER, "passenger_id": 5}, 400, 3, "passenger_id"),
    ("no_passenger", "POST", "/customer/order", {**ORDER, "passenger_id": ""}, 400, 3, "passenger_id"),
    ("long_id", "POST", "/customer/order", {**ORDER, "passenger_id": "x" * 65}, 400, 3, "passenger_id"),
    ("control_id", "POST", "/customer/order", {**ORDER, "passenger_id": "a\nb"}, 400, 3, "passenger_id"),
    ("line_separator_id", "POST", "/customer/order", {**ORDER, "passenger_id": "a\u2028"}, 400, 3, "passenger_id"),
    ("turned_id", "POST", "/customer/order", {**ORDER, "passenger_id": "\u202eab"}, 400, 3, "passenger_id"),
    ("no_width_id", "POST", "/customer/order", {**ORDER, "passenger_id": "\ufeffa"}, 400, 3, "passenger_id"),
    ("nul_id", "POST", "/customer/order", {**ORDER, "passenger_id": "a\x00b"}, 400, 3, "passenger_id"),
    ("absent_latitude", "POST", "/driver/location", {"driver_id": "d", "longitude": 1}, 400, 3, "latitude"),
    ("absent_longitude", "POST", "/driver/location", {"driver_id": "d", "latitude": 1}, 400, 3, "longitude"),
    ("far_north", "POST", "/driver/location", {**PLACE, "latitude": 90.01}, 400, 3, "latitude"),
    ("far_east", "POST", "/driver/location", {**PLACE, "longitude": -180.5}, 400, 3, "longitude"),
    ("not_a_number", "POST", "/driver/location", {**PLACE, "latitude": "NaN"}, 400, 3, "latitude"),
    ("infinite", "POST", "/driver/location", {**PLACE, "longitude": "Infinity"}, 400, 3, "longitude"),
    ("bare_nan", "POST", "/driver/location", '{"driver_id": "d", "latitude": NaN, "longitude": 1}',
     400, 3, "latitude"),
    ("overflowing_number", "POST", "/driver/location", '{"driver_id": "d", "longitude": 1, "latitude": 1e400}',
     400, 3, "latitude"),
    ("overflowing_amount", "POST", "/customer/wallet/credit",
     '{"user_id": "u", "amount_minor": 9223372036854775808, "reference_id": "r"}', 400, 3, "amount_minor"),
    ("field_twice", "POST", "/driver/location", '{"driver_id": "d", "driver_id": "e"}', 400, 3, "driver_id"),
    ("bad_time", "POST", "/driver/location", {**PLACE, "timestamp": "yesterday"}, 400, 3, "timestamp"),
    ("dropoff_absent", "POST", "/customer/order",
     {key: value for key, value in ORDER.items() if key != "dropoff_lat"}, 400, 3, "dropoff_lat"),
    ("zero_amount", "POST", "/customer/wallet/credit", {**CREDIT, "amount_minor": "0"}, 400, 3, "amount"),
    ("negative_amount", "POST", "/customer/wallet/credit", {**CREDIT, "amount_minor": -5}, 400, 3, "amount"),
    ("huge_amount", "POST", "/customer/wallet/credit", {**CREDIT, "amount_minor": "9223372036854775808"},
     400, 3, "amount"),
    ("fraction", "POST", "/customer/wallet/credit", {**CREDIT, "amount_minor": 1.5}, 400, 3, "amount"),
    ("no_reference", "POST", "/customer/wallet/credit", {"user_id": "u", "amount_minor": "5"}, 400, 3,
     "reference_id"),
    ("bad_currency", "POST", "/customer/wallet/credit", {**CREDIT, "currency": "dollars"}, 400, 3,
     "currency"),
    ("unknown_status", "PUT", "/driver/order/status", {"order_id": NOBODY, "status": "FLYING"}, 400, 3,
     "status"),
    ("unspecified_status", "PUT", "/driver/order/status",
     {"order_id": NOBODY, "status": "ORDER_STATUS_UNSPECIFIED"}, 400, 3, "status"),
    ("absent_status", "PUT", "/driver/order/status", {"order_id": NOBODY}, 400, 3, "status"),
    ("order_id_no_uuid", "GET", "/customer/order?id=12", None, 400, 3, "id"),
    ("unknown_order", "GET", f"/customer/order?id={NOBODY}", None, 404, 5, NOBODY),
    ("unknown_order_status", "PUT", "/driver/order/status", {"order_id": NOBODY, "status": "STARTED"},
     404, 5, NOBODY),
    ("unknown_order_ride", "POST", "/customer/ride/request", {"order_id": NOBODY}, 404, 5, NOBODY),
    ("unknown_wallet", "GET", "/customer/wallet?user_id=nobody-has-this", None, 404, 5, "nobody-has-this"),
    ("unknown_query", "GET", "/customer/wallet?user_id=u&shoe=9", None, 400, 3, "shoe"),
    ("deep_json", "POST", "/customer/order", "[" * 3000 + "]" * 3000, 400, 3, ""),
    ("wrong_media_type", "POST", "/customer/order", None, 415, None, ""),
]


def _rows(servers):
    return servers.postgres.psql('SELECT (SELECT count(*) FROM "order".orders), '
                                 "(SELECT count(*) FROM wallet.journal), "
                                 "(SELECT count(*) FROM dispatch.reservation)")


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_rest_refuses(rest, servers, case):
    name, method, path, body, status, code, word = case
    before = _rows(servers)
    headers = None
    if name == "wrong_media_type":
        body, headers = "<order/>", {"Content-Type": "application/xml"}
    reply = rest.request(method, path, body, headers)
    assert reply.status == status, reply.text
    assert reply.headers["Content-Type"].startswith("application/json")
    assert set(reply.json) == {"code", "message", "details"}
    assert reply.json["message"] and word in reply.json["message"]
    if code is not None:
        assert reply.json["code"] == code
    assert _rows(servers) == before


@pytest.mark.parametrize("method, path, allowed", [
    ("GET", "/driver/location", "POST"), ("DELETE", "/customer/order", "GET, POST"),
    ("POST", "/driver/order/status", "PUT"), ("PATCH", "/customer/wallet", "GET")])
def test_wrong_method_names_the_right_ones(rest, method, path, allowed):
    reply = rest.request(method, path, "{}")
    assert reply.status == 405, reply.text
    names = {name.strip() for name in reply.headers["Allow"].split(",")} - {"HEAD", "OPTIONS"}
    assert names == set(allowed.split(", "))
    assert reply.json["code"] and reply.json["message"]


def test_body_over_the_limit(atlas, servers):
    before = _rows(servers)
    rest = atlas.rest()
    body = json.dumps({**ORDER, "vehicle_type": "x" * (1024 * 1024)})
    reply = rest.request("POST", "/customer/order", body)
    assert reply.status == 413 and reply.json["message"]
    rest.close()
    assert _rows(servers) == before


def test_illegal_transition_names_both_states(rest):
    ride = Ride(rest)
    ride.ride_to("CREATED")
    reply = ride.move("FINISHED")
    assert (reply.status, reply.json["code"]) == (409, 9)
    assert "CREATED" in reply.json["message"] and "FINISHED" in reply.json["message"]
    assert ride.show()["status"] == "CREATED"


def test_overdraft_is_refused(atlas):
    from atlas.wallet.v1 import wallet_pb2

    wallet, user = atlas.stub("wallet"), new_id("user")
    wallet.CreditBalance(wallet_pb2.CreditBalanceRequest(user_id=user, amount_minor=10, reference_id="r"),
                         timeout=10)
    with pytest.raises(grpc.RpcError) as refused:
        wallet.DebitBalance(wallet_pb2.DebitBalanceRequest(user_id=user, amount_minor=11, reference_id="r"),
                            timeout=10)
    assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert wallet.GetBalance(wallet_pb2.GetBalanceRequest(user_id=user), timeout=10).balance_minor == 10


def _grpc_cases():
    from atlas.dispatch.v1 import dispatch_pb2
    from atlas.order.v1 import order_pb2
    from atlas.tracker.v1 import tracker_pb2
    from atlas.wallet.v1 import wallet_pb2

    nan, code = float("nan"), grpc.StatusCode
    location, credit = tracker_pb2.UpdateLocationRequest, wallet_pb2.CreditBalanceRequest
    return [
        ("tracker", "UpdateLocation", location(driver_id="d", latitude=1), code.INVALID_ARGUMENT, "longitude"),
        ("tracker", "UpdateLocation", location(driver_id="d", latitude=nan, longitude=1),
         code.INVALID_ARGUMENT, "latitude"),
        ("tracker", "UpdateLocation", location(latitude=1, longitude=1), code.INVALID_ARGUMENT, "driver_id"),
        ("tracker", "GetNearbyDrivers",
         tracker_pb2.GetNearbyDriversRequest(latitude=1, longitude=1, radius_km=-1),
         code.INVALID_ARGUMENT, "radius_km"),
        ("tracker", "GetDriverLocation", tracker_pb2.GetDriverLocationRequest(driver_id="nobody-at-all"),
         code.NOT_FOUND, "nobody-at-all"),
        ("order", "GetOrder", order_pb2.GetOrderRequest(order_id="x"), code.INVALID_ARGUMENT, "order_id"),
        ("order", "GetOrder", order_pb2.GetOrderRequest(order_id=NOBODY), code.NOT_FOUND, NOBODY),
        ("order", "UpdateOrderStatus", order_pb2.UpdateOrderStatusRequest(order_id=NOBODY, status=77),
         code.INVALID_ARGUMENT, "status"),
        ("dispatch", "RequestRide", dispatch_pb2.RequestRideRequest(order_id=NOBODY), code.NOT_FOUND, NOBODY),
        ("wallet", "CreditBalance", credit(user_id="u", amount_minor=-1, reference_id="r"),
         code.INVALID_ARGUMENT, "amount_minor"),
        ("wallet", "GetBalance", wallet_pb2.GetBalanceRequest(user_id="nobody-has-this"), code.NOT_FOUND,
         "nobody-has-this"),
    ]


def test_grpc_refuses(atlas, servers):
    before = _rows(servers)
    for plugin, method, request, code, word in _grpc_cases():
        with pytest.raises(grpc.RpcError) as refused:
            getattr(atlas.stub(plugin), method)(request, timeout=10)
        assert (refused.value.code(), word in refused.value.details()) == (code, True), \
            f"{plugin} {method}: {refused.value}"
    assert _rows(servers) == before


@pytest.mark.parametrize("path, data, codes", [
    ("/atlas.order.v1.Order/Nothing", b"", {"UNIMPLEMENTED"}),
    ("/atlas.nothing.v1.Nothing/GetOrder", b"", {"UNIMPLEMENTED"}),
    ("/atlas.order.v1.Order/GetOrder", b"\x0a\xff\xff", {"INTERNAL", "INVALID_ARGUMENT"}),
    ("/atlas.order.v1.Order/GetOrder", b"\x0a\x02\xff\xfe", {"INTERNAL", "INVALID_ARGUMENT"}),
    ("/atlas.order.v1.Order/GetOrder", b"\x12\x00" * 3_000_000, {"RESOURCE_EXHAUSTED"}),
], ids=["method", "service", "cut_message", "not_utf8", "over_the_limit"])
def test_grpc_refuses_bytes(atlas, path, data, codes):
    call = atlas.channel("order").unary_unary(path, request_serializer=None, response_deserializer=None)
    with pytest.raises(grpc.RpcError) as refused:
        call(data, timeout=10)
    assert refused.value.code().name in codes


def test_grpc_deadline_is_kept(atlas, servers):
    """A database that does not answer in time costs the call its deadline and the server nothing."""
    from atlas.order.v1 import order_pb2

    nobody = order_pb2.GetOrderRequest(order_id=NOBODY)
    with servers.postgres.locked('"order".orders'), pytest.raises(grpc.RpcError) as late:
        atlas.stub("order").GetOrder(nobody, timeout=0.3)
    assert late.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    with pytest.raises(grpc.RpcError) as found:
        atlas.stub("order").GetOrder(nobody, timeout=5)
    assert found.value.code() == grpc.StatusCode.NOT_FOUND
