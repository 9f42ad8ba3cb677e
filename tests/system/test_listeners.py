"""Listeners follow the configuration at a reload: opened, moved, closed, given other services; nobody loses a call."""

import http.client
import json
import socket
import threading

import grpc
import ports
import pytest
from echo_host import EchoHost


@pytest.fixture
def host(folder, request):
    with EchoHost(folder / request.node.name, loops=2) as running:
        yield running


def _rest_listener(port):
    return (f', {{ name = "more_rest"; protocol = "rest"; address = "127.0.0.1:{port}";'
            ' services = [ "atlas.test.v1.Echo" ]; }')


def _echo(host, channel, text="hello"):
    import echo_pb2
    return host.stub(channel).Echo(echo_pb2.EchoRequest(text=text), timeout=10).text


def _echo_at(host, port):
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        return _echo(host, channel)


def _post(port, connection=None):
    connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/echo", json.dumps({"text": "hello"}), {"content-type": "application/json"})
    reply = connection.getresponse()
    return reply.status, reply.read(), reply.getheader("connection")


def _is_refused(port):
    with socket.socket() as client:
        client.settimeout(5)
        return client.connect_ex(("127.0.0.1", port)) != 0


def test_a_listener_is_opened(host):
    port = ports.free_port()
    assert "reload done" in host.reload(more_listeners=_rest_listener(port))
    assert _post(port)[0] == _post(host.rest_port)[0] == 200


def test_a_rest_listener_is_closed(host):
    port = ports.free_port()
    host.reload(more_listeners=_rest_listener(port))
    idle = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    assert _post(port, idle)[0] == 200
    assert "reload done" in host.reload(more_listeners="")
    assert _is_refused(port)
    assert _post(port, idle)[::2] == (200, "close")
    assert _post(host.rest_port)[0] == 200


def test_calls_in_flight_outlive_their_listener(host):
    import echo_pb2
    first, second = host.port, ports.free_port()
    with host.channel() as channel:
        call = host.stub(channel).Sleep.future(echo_pb2.SleepRequest(ms=500), timeout=10)
        assert _echo(host, channel) == "hello"  # so the call before it has begun
        assert "reload done" in host.reload(port=second)
        assert _is_refused(first)
        assert _echo_at(host, second) == "hello"
        call.result()


def test_a_listener_moves_under_traffic(host):
    """A client that asks the old address until it is refused and the new one from then on loses nothing."""
    first, second = host.port, ports.free_port()
    faults, moved = [], threading.Event()

    def ask():
        port, calls = first, 0
        while calls < 20 or not moved.is_set():
            try:
                assert _echo_at(host, port) == "hello"
                calls += 1 if port == second else 0
            except grpc.RpcError as error:
                if port == second or not _is_refused(first):
                    faults.append(error)
                    return
                port = second

    clients = [threading.Thread(target=ask, daemon=True) for _ in range(3)]
    for client in clients:
        client.start()
    assert "reload done" in host.reload(port=second)
    moved.set()
    for client in clients:
        client.join(30)
        assert not client.is_alive()
    assert faults == []


def test_a_listener_serves_other_services(host):
    """On one connection: Front comes, Echo leaves, and all is as it was."""
    with host.channel() as channel:
        assert _echo(host, channel) == "hello"
        log = host.reload(services='"atlas.test.v1.Echo", "atlas.test.v1.Front"', loaded='"echo", "front"')
        assert "listener changed" in log and "reload done" in log
        assert _echo(host, channel) == "hello"
        assert "listener changed" in host.reload(services='"atlas.test.v1.Front"')
        with pytest.raises(grpc.RpcError) as failure:
            _echo(host, channel)
        assert failure.value.code() == grpc.StatusCode.UNIMPLEMENTED
        assert _post(host.rest_port)[0] == 200
        assert "listener changed" in host.reload(services='"atlas.test.v1.Echo"', loaded='"echo"')
        assert _echo(host, channel) == "hello"


def test_a_port_that_is_taken_refuses_the_reload(host):
    first, second, rest_port = host.port, ports.free_port(), ports.free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        more = _rest_listener(rest_port) + _rest_listener(taken.getsockname()[1]).replace("more_rest", "taken")
        log = host.reload(more_listeners=more, port=second)
        assert "reload refused" in log and str(taken.getsockname()[1]) in log
        assert _is_refused(second) and _is_refused(rest_port)
        assert _echo_at(host, first) == "hello"
    assert "reload done" in host.reload()  # the same, once the port is free
    assert _post(rest_port)[0] == 200
    assert _echo_at(host, second) == "hello"
