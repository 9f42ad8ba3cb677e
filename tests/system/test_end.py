"""The host ends in bounded time, whatever it is doing: starting, reloading, serving calls that do not end."""

import signal
import time

import grpc
import pytest
from echo_host import EchoHost

LONG_MS = 120_000
FORCED = 3
SLOW_RELOAD = 'reload = { drain_timeout = "120s"; create_timeout = "120s"; };\n'


def _quick_end(drain="200ms", limit="60s"):
    return (f'shutdown = {{ drain_timeout = "{drain}"; limit = "{limit}"; }};\n'
            'calls = { default_deadline = "10m"; max_deadline = "10m"; cleanup_limit = "100ms"; };\n')


def _call(host, channel, method, ms=LONG_MS):
    """A call on a connection that is there. The host keeps it: grpc cancels one that nobody holds."""
    import echo_pb2
    stub = host.stub(channel)
    stub.Echo(echo_pb2.EchoRequest(text="here"))
    host.calls.append(getattr(stub, method).future(echo_pb2.SleepRequest(ms=ms)))
    return host.calls[-1]


def _wait_begun(host, channel):
    """A later call on the same connection was answered: the earlier one has reached its handler."""
    import echo_pb2
    host.stub(channel).Echo(echo_pb2.EchoRequest(text="begun"))


def test_a_start_is_interrupted(folder):
    host = EchoHost(folder / "end-start", more=SLOW_RELOAD, plugin_config='create_delay = "100s";',
                    awaited="listener=echo_rest")
    host.send(signal.SIGTERM)
    assert host.wait_end() == 0
    assert "ended before it served" in host.log()


def test_a_reload_that_creates_is_interrupted(folder):
    with EchoHost(folder / "end-create", more=SLOW_RELOAD) as host:
        host.configure(plugin_config='create_delay = "100s";')
        host.send(signal.SIGHUP)
        host.wait_copies(2)  # it has begun, and is not left out because of the end
        host.send(signal.SIGTERM)
        assert host.wait_end() == 0
        assert "the process was asked to end meanwhile" in host.log()


def test_the_drain_of_a_reload_is_interrupted(folder):
    with EchoHost(folder / "end-drain", more=SLOW_RELOAD + _quick_end()) as host, host.channel() as channel:
        call = _call(host, channel, "Sleep")
        _wait_begun(host, channel)
        host.configure(plugin_config='greeting = "new ";')
        host.send(signal.SIGHUP)
        host.wait_log("generation=2")
        host.send(signal.SIGTERM)
        assert host.wait_end() == 0
        assert call.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


def test_a_reload_asked_for_together_with_the_end_is_left_out(folder):
    """Both signals are there before the host looks; SIGHUP is taken first, by its number."""
    for n in range(4):
        with EchoHost(folder / f"end-both-{n}") as host:
            host.configure(plugin_config='greeting = "new ";')
            for number in (signal.SIGSTOP, signal.SIGHUP, signal.SIGTERM, signal.SIGCONT):
                host.send(number)
            assert host.wait_end() == 0


def test_a_second_signal_hurries(folder):
    with EchoHost(folder / "end-twice", more=_quick_end(drain="50s")) as host, host.channel() as channel:
        call = _call(host, channel, "Sleep")
        _wait_begun(host, channel)
        host.send(signal.SIGTERM)
        host.wait_log("signal=Terminated")
        assert not call.done()
        host.send(signal.SIGINT)
        assert host.wait_end() == 0
        assert "cancelling the calls in flight" in host.log()
        assert call.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


def test_a_third_signal_ends_it_at_once(folder):
    host = EchoHost(folder / "end-thrice", more=_quick_end(drain="50s"))
    with host.channel() as channel:
        _call(host, channel, "Hold")
        _wait_begun(host, channel)
        host.send(signal.SIGTERM)
        host.wait_log("signal=Terminated")
        host.send(signal.SIGTERM)
        host.wait_log("cancelling the calls in flight")
        host.send(signal.SIGTERM)
        assert host.wait_end() == FORCED


def test_a_call_that_heeds_nothing_is_named_and_left(folder):
    host = EchoHost(folder / "end-hold", more=_quick_end())
    with host.channel() as channel:
        _call(host, channel, "Hold")
        _wait_begun(host, channel)
        host.send(signal.SIGTERM)
        assert host.wait_end() == FORCED
        assert "operation=/atlas.test.v1.Echo/Hold plugin=echo generation=1" in host.log()


def test_a_plugin_that_holds_a_loop_is_left(folder):
    host = EchoHost(folder / "end-spin", more=_quick_end(limit="1s"))
    with host.channel() as channel:
        _call(host, channel, "Spin", ms=40_000)
        host.wait_log("operation=/atlas.test.v1.Echo/Spin plugin=echo")  # the watchdog's line
        host.send(signal.SIGTERM)
        assert host.wait_end() == FORCED
        assert "within shutdown.limit" in host.log()


def test_it_starts_again_after_being_left(folder):
    """What a forced end leaves behind is in nobody's way."""
    home = folder / "end-again"
    host = EchoHost(home, more=_quick_end())
    with host.channel() as channel:
        _call(host, channel, "Hold")
        _wait_begun(host, channel)
        host.send(signal.SIGTERM)
        assert host.wait_end() == FORCED
    begin = time.monotonic()
    host.start()
    host.stop()
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_host_ends_at_once(folder, number):
    host = EchoHost(folder / f"end-idle-{number}")
    begin = time.monotonic()
    host.send(number)
    assert host.wait_end() == 0
    assert time.monotonic() - begin < 5


def test_the_time_to_end_follows_a_reload(folder):
    with EchoHost(folder / "end-reload", more=_quick_end(drain="50s")) as host, host.channel() as channel:
        log = host.reload(more=_quick_end(drain="100ms"))
        assert "waits for a restart" not in log
        _call(host, channel, "Sleep")
        _wait_begun(host, channel)
        begin = time.monotonic()
        host.send(signal.SIGTERM)
        assert host.wait_end() == 0
        assert time.monotonic() - begin < 20


def test_a_loop_that_is_held_beyond_the_time_to_drain_still_ends_in_order(folder):
    """What ends a plugin is run late rather than not at all: at a reload, and at the end."""
    import echo_pb2
    quick = _quick_end(drain="10ms") + 'reload = { drain_timeout = "10ms"; destroy_timeout = "10ms"; };\n'
    with EchoHost(folder / "end-held", more=quick) as host, host.channel() as channel:
        _wait_begun(host, channel)
        call = host.stub(channel).Spin.future(echo_pb2.SleepRequest(ms=400))
        host.configure(plugin_config='greeting = "new ";')
        host.send(signal.SIGHUP)
        host.wait_log("reload done")
        host.wait_log('msg="plugin unloaded" plugin=echo version=0.1.0 generation=1')
        call.result()
        call = host.stub(channel).Spin.future(echo_pb2.SleepRequest(ms=400))
        time.sleep(0.1)
        host.send(signal.SIGTERM)
        assert host.wait_end() == 0
        assert "a step of a plugin's life failed" not in host.log()
