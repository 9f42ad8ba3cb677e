"""The gRPC client: Relay calls Echo over the wire, to another host or to its own."""

import threading
import time

import grpc
import pytest
from echo_host import EchoHost

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
