"""What operators learn of calls that fail: faults of handlers in the log, refusals for want of fibers too."""

import http.client
import json
import threading

import grpc
import pytest
from echo_host import EchoHost
from wait import wait_until

INTERNAL, NOT_FOUND = 13, 5


@pytest.fixture(scope="module")
def pb(generated_stubs):
    import echo_pb2
    return echo_pb2


@pytest.fixture(scope="module")
def host(folder):
    with EchoHost(folder / "call-failures", more="calls = { fibers = 16; };") as running:
        yield running


def _fail_by_grpc(host, pb, status, message):
    with host.channel() as channel, pytest.raises(grpc.RpcError):
        host.stub(channel).Fail(pb.FailRequest(status=status, message=message), timeout=10)


def _fail_by_rest(host, _pb, status, message):
    connection = http.client.HTTPConnection("127.0.0.1", host.rest_port, timeout=10)
    connection.request("POST", f"/echo/fail/{status}", json.dumps({"message": message}),
                       {"Content-Type": "application/json"})
    assert json.load(connection.getresponse())["code"] == status
    connection.close()


@pytest.mark.parametrize("fail", [_fail_by_grpc, _fail_by_rest], ids=["grpc", "rest"])
def test_fault_of_a_handler_is_told_and_does_not_flood(host, pb, fail):
    def told():
        fail(host, pb, INTERNAL, f"broken by {fail.__name__}")
        return f"broken by {fail.__name__}" in host.log()

    before = len(host.log())
    wait_until(told, "the fault to be told, at most a second after another one")
    for _ in range(20):
        fail(host, pb, INTERNAL, "broken again")
        fail(host, pb, NOT_FOUND, "the caller's own affair")
    lines = [line for line in host.log()[before:].splitlines() if 'msg="call failed"' in line]
    assert 1 <= len(lines) <= 5, lines
    assert all("plugin=echo operation=/atlas.test.v1.Echo/Fail status=INTERNAL" in line for line in lines)
    assert "affair" not in host.log()


def test_refusals_for_want_of_fibers_are_told_and_counted(host):
    statuses = []

    def ask():
        connection = http.client.HTTPConnection("127.0.0.1", host.rest_port, timeout=10)
        connection.request("GET", "/echo/sleep?ms=300")
        statuses.append(connection.getresponse().status)
        connection.close()

    before = host.metric("atlas_calls_refused_total")
    threads = [threading.Thread(target=ask) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = statuses.count(429)
    assert refused > 0 and refused + statuses.count(200) == 40
    assert host.metric("atlas_calls_refused_total") == before + refused
    assert 1 <= host.log().count('msg="calls are refused') <= 3
