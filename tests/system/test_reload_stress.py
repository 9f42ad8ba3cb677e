"""Reloads at bad moments and very often: while another drains, while the process ends, of all that can change."""

import http.client
import os
import signal
import threading
from pathlib import Path

import grpc
import ports
import pytest
from echo_host import PRESET, EchoHost
from test_listeners import _echo_at, _post
from test_rest_reload import FRONT, Client, Traffic
from wait import wait_until

LONG = 'shutdown = { drain_timeout = "200ms"; };\nreload = { drain_timeout = "60s"; };\n'


@pytest.fixture
def host(folder, request):
    with EchoHost(folder / request.node.name, loops=2, more=LONG) as running:
        yield running


def _listener(port, protocol="rest", host="127.0.0.1", name="more"):
    return (f', {{ name = "{name}"; protocol = "{protocol}"; address = "{host}:{port}";'
            ' services = [ "atlas.test.v1.Echo" ]; }')


def _slow_call(port, ms):
    """A call by REST that the host has begun; returns a function that waits for its status."""
    client, statuses = Client(port), []
    thread = threading.Thread(target=lambda: statuses.append(client.ask("GET", f"/echo/sleep?ms={ms}")[0]))
    thread.start()

    def join():
        thread.join()
        client.close()
        return statuses
    return join


def _begun(host):
    """A call that was sent after those before it, on each loop, is answered."""
    for _ in range(8):
        assert _post(host.rest_port)[0] == 200


# --- The process ends meanwhile ---

def test_a_reload_that_was_asked_for_does_not_begin_once_the_process_ends(folder):
    with EchoHost(folder / "late-reload", loops=2, more=LONG) as host:
        host.configure(plugin_config='create_delay = "20s";')
        host.send(signal.SIGHUP)
        host.wait_copies(2)  # the first has begun
        host.configure(plugin_config='greeting = "late ";')
        host.send(signal.SIGHUP)  # waits for the first
        wait_until(lambda: host.log().count("signal=Hangup") == 2, "the second signal")
        host.send(signal.SIGTERM)
        assert host.wait_end() == 0
        assert "the process was asked to end meanwhile" in host.log()
        assert "generation=2" not in host.log() and "generation=3" not in host.log()


def test_a_reload_behind_a_drain_does_not_begin_once_the_process_ends(folder):
    with EchoHost(folder / "late-drain", loops=2, more=LONG) as host:
        join = _slow_call(host.rest_port, 4000)
        _begun(host)
        host.configure(plugin_config='greeting = "second ";')
        host.send(signal.SIGHUP)
        host.wait_log("generation=2")
        host.configure(plugin_config='greeting = "third ";')
        host.send(signal.SIGHUP)
        wait_until(lambda: host.log().count("signal=Hangup") == 2, "the second signal")
        host.send(signal.SIGTERM)
        assert host.wait_end() == 0
        assert "generation=3" not in host.log()
        join()


# --- Listeners ---

def test_a_watch_ends_with_its_listener(host):
    name = b"atlas.test.v1.Echo"
    with host.channel() as channel:
        watch = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"\x0a" + bytes([len(name)]) + name, timeout=15)
        assert next(watch) == b"\x08\x01"  # SERVING
        assert "reload done" in host.reload(port=ports.free_port())
        assert next(watch) == b"\x08\x02"  # NOT_SERVING
        with pytest.raises(grpc.RpcError) as failure:
            next(watch)
        assert failure.value.code() == grpc.StatusCode.UNAVAILABLE


def test_idle_connections_of_a_closed_listener_outlive_further_reloads(host):
    """HTTP/1.1 has no way to say "go": a request may be on its way at any time."""
    first, second = ports.free_port(), ports.free_port()
    host.reload(more_listeners=_listener(first) + _listener(second, name="other"))
    idle = [http.client.HTTPConnection("127.0.0.1", first, timeout=10) for _ in range(4)]
    for connection in idle:
        assert _post(first, connection)[0] == 200
    assert "no longer listening" in host.reload(more_listeners=_listener(second, name="other"))
    assert "no longer listening" in host.reload(more_listeners="")
    for connection in idle:
        assert _post(first, connection)[::2] == (200, "close")


@pytest.mark.parametrize("change", [("grpc", "127.0.0.1"), ("rest", "0.0.0.0")], ids=["protocol", "host"])
def test_another_listener_at_a_port_of_ours_is_refused_by_its_name(folder, change):
    """It cannot be opened before the old one is closed, which a transaction may not do first."""
    port = ports.free_port()
    with EchoHost(folder / f"port-{change[0]}", loaded='"echo", "front"') as host:
        host.reload(services='"atlas.test.v1.Front"', more_listeners=_listener(port))
        said = host.reload(more_listeners=_listener(port, *change))
        assert "reload refused" in said and f"while this process listens at 127.0.0.1:{port}" in said
        assert _post(port)[0] == 200
        assert "reload done" in host.reload(more_listeners="")
        assert "reload done" in host.reload(more_listeners=_listener(port, *change))


def test_every_family_of_addresses(host):
    port = ports.free_port()
    for address in ("127.0.0.1", "[::1]", "127.0.0.1"):
        assert "reload done" in host.reload(more_listeners=_listener(port, host=address))
        connection = http.client.HTTPConnection(address.strip("[]"), port, timeout=10)
        assert _post(port, connection)[0] == 200
        connection.close()


# --- Plugins ---

def test_a_process_may_be_emptied_and_filled_again(host):
    for _ in range(3):
        assert "plugin unloaded" in host.reload(loaded="")
        assert "reload done" in host.reload(loaded='"echo"')
        assert _post(host.rest_port)[0] == 200 and _echo_at(host, host.port) == "hello"
    host.reload(loaded="")


def test_a_service_that_moves_away_is_found_while_old_calls_drain(folder):
    with EchoHost(folder / "moved-to") as callee, \
            EchoHost(folder / "moved-from", loops=2, template=FRONT, loaded='"front", "echo"') as front:
        join = _slow_call(front.rest_port, 700)
        placed = f'placements = ( {{ service = "atlas.test.v1.Echo"; address = "{callee.address}"; }} );\n'
        with Traffic(front.rest_port) as traffic:
            front.configure(loaded='"front"', more=placed)
            front.send(signal.SIGHUP)
            wait_until(lambda: callee.metric("atlas_calls_total") > 20, "calls to go to the other process")
            assert "reload done" not in front.log(), "a call was to be in flight meanwhile"
            front.wait_log("reload done")
            traffic.wait_for_more()
        assert join() == [200]


def _held(host):
    """What reloads could pile up."""
    process = Path(f"/proc/{host.process.pid}")
    threads = int((process / "status").read_text().split("Threads:")[1].split()[0])
    files = sum(len(names) for _, _, names in os.walk(host.home / "run"))
    keeps_mapped = PRESET in ("asan", "tsan")  # for the names in reports
    libraries = 0 if keeps_mapped else (process / "maps").read_text().count(".so")
    return {"threads": threads, "files": files, "libraries": libraries, "metrics": len(host.metric_lines())}


def test_many_reloads_of_everything_leave_nothing_behind(host):
    port, held = ports.free_port(), []
    with Traffic(host.rest_port) as traffic:
        for i in range(40):
            said = host.reload(plugin_config=f'create_delay = "{i % 3}ms";',
                               more_listeners=_listener(port) if i % 2 else "",
                               loaded='"echo", "front"' if i % 4 else '"echo"')
            assert "reload done" in said
            if i % 4 == 0:
                traffic.wait_for_more(5)
                held.append(_held(host))
    assert not traffic.failures
    assert held[-1] == held[1]
