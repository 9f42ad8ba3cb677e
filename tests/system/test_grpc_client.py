"""The gRPC client: Relay calls Echo over the wire, to another host or to its own."""

import json
import threading
import time
import urllib.error
import urllib.request

import grpc
import pytest
from echo_host import EchoHost
from wait import wait_until

WIRE = "calls = { force_wire = true; };"


@pytest.fixture(scope="module")
def pb(generated_stubs):
    import echo_pb2
    return echo_pb2


@pytest.fixture(scope="module")
def host(folder):
    with EchoHost(folder / "grpc-client", loops=2, more=WIRE) as running:
        yield running


@pytest.fixture
def stub(host):
    with host.channel() as channel:
        yield host.stub(channel)


def test_relay(stub, pb):
    for text in ("", "hello", "x" * 500_000):
        assert stub.Relay(pb.EchoRequest(text=text), timeout=10).text == text


def test_many_relays_at_once(stub, pb):
    """Ten times as many as streams on the one connection to the callee: they queue."""
    calls = [stub.Relay.future(pb.EchoRequest(text=str(n)), timeout=20) for n in range(1000)]
    assert [call.result().text for call in calls] == [str(n) for n in range(1000)]


def test_relay_passes_the_deadline_on(stub, pb):
    begin = time.monotonic()
    with pytest.raises(grpc.RpcError) as failure:
        for _ in range(1000):  # the client rounds deadlines up, so a call may still be in time
            stub.Relay(pb.EchoRequest(text="late"), timeout=0.000001)
    assert failure.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - begin < 5


class Traffic:
    """Relay calls from several threads; what came of them, by code and message."""

    def __init__(self, host, pb, threads=4):
        self.failures = []
        self.done = 0
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(host, pb)) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _run(self, host, pb):
        with host.channel() as channel:
            stub = host.stub(channel)
            while not self._end.is_set():
                try:
                    assert stub.Relay(pb.EchoRequest(text="t"), timeout=10).text == "t"
                    self.done += 1
                except grpc.RpcError as error:
                    self.failures.append((error.code(), error.details()))
                    time.sleep(0.01)

    def wait_for(self, count):
        goal, end = self.done + count, time.monotonic() + 20
        while self.done < goal:
            assert time.monotonic() < end, self.failures[-3:]
            time.sleep(0.01)

    def wait_steady(self, count):
        """Until so many calls in a row got through: each loop connects again in its own time."""
        end = time.monotonic() + 20
        while True:
            before = len(self.failures)
            self.wait_for(count)
            if len(self.failures) == before:
                return
            assert time.monotonic() < end, self.failures[-3:]

    def stop(self):
        self._end.set()
        for thread in self._threads:
            thread.join()


def _place(callee):
    return f'placements = ( {{ service = "atlas.test.v1.Echo"; address = "{callee.address}"; }} );\n'


def test_the_callee_is_replaced_under_traffic(folder, pb):
    """While nobody listens calls fail at once and were not processed; nothing else is lost."""
    callee = EchoHost(folder / "callee-1")
    with EchoHost(folder / "caller", loops=2, more=WIRE + _place(callee)) as caller:
        traffic = Traffic(caller, pb)
        try:
            traffic.wait_for(200)
            assert not traffic.failures
            callee.stop()
            callee = EchoHost(folder / "callee-2", port=callee.port)
            traffic.wait_steady(200)
        finally:
            traffic.stop()
        for code, details in traffic.failures:
            assert code == grpc.StatusCode.UNAVAILABLE
            assert "may have been processed" not in details
    callee.stop()


def test_the_callee_is_killed_under_traffic(folder, pb):
    callee = EchoHost(folder / "killed-1")
    with EchoHost(folder / "caller-of-killed", loops=1, more=WIRE + _place(callee)) as caller:
        traffic = Traffic(caller, pb)
        try:
            traffic.wait_for(200)
            callee.process.kill()
            callee.process.wait()
            callee = EchoHost(folder / "killed-2", port=callee.port)
            traffic.wait_for(200)
        finally:
            traffic.stop()
        assert traffic.failures
        assert {code for code, _ in traffic.failures} == {grpc.StatusCode.UNAVAILABLE}
    callee.stop()


def _readiness(host):
    """The checks of /readyz, by name; each name must be there once."""
    try:
        page = urllib.request.urlopen(f"http://127.0.0.1:{host.admin_port}/readyz", timeout=10)
    except urllib.error.HTTPError as unready:
        page = unready
    with page:
        checks = json.load(page)["checks"]
    assert len({check["name"] for check in checks}) == len(checks), checks
    return {check["name"]: check["ready"] for check in checks}


def test_each_loop_says_for_itself_that_a_peer_is_away(folder):
    with EchoHost(folder / "callee-away") as callee, \
            EchoHost(folder / "caller-of-away", loops=2, loaded='"front"', more=_place(callee)) as caller:
        names = {f"grpc loop {loop} {callee.address}" for loop in (0, 1)}
        wait_until(lambda: names <= _readiness(caller).keys(), "a check for each loop")
        wait_until(lambda: all(_readiness(caller).values()), "the peer to be connected")
        callee.stop()
        wait_until(lambda: not any(_readiness(caller)[name] for name in names), "the peer to be away")
        lines = [line for line in caller.log().splitlines() if "grpc peer cannot be reached" in line]
        assert [sum(f" loop={loop} " in line for line in lines) for loop in (0, 1)] == [1, 1], lines


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize("wire", [WIRE, ""], ids=["wire", "local"])
def test_identity_and_trace_are_passed_on(folder, pb, wire):
    """Both reach the callee's callee, in this process and over the wire. Who a caller is counts only where the
    listener trusts it."""
    sent = [("atlas-identity", "alice"), ("traceparent", TRACE)]
    with EchoHost(folder / f"identity-{bool(wire)}", more=wire, more_grpc="trusts_identity = true;") as host:
        with host.channel() as channel:
            stub = host.stub(channel)
            for method in (stub.Caller, stub.RelayCaller):
                caller = method(pb.CallerRequest(), metadata=sent, timeout=10)
                assert caller.identity == "alice"
                assert caller.traceparent.split("-")[1] == TRACE.split("-")[1]
            host.reload(more_grpc="")
            for method in (stub.Caller, stub.RelayCaller):
                caller = method(pb.CallerRequest(), metadata=sent, timeout=10)
                assert caller.identity == ""
                assert caller.traceparent.split("-")[1] == TRACE.split("-")[1]
