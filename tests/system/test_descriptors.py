"""A host that has no file descriptor left: it accepts nobody, says so, and goes on when there are some again. One
whose standard error is closed writes its log nowhere."""

import http.client
import os
import resource
import signal
import socket
import subprocess
from contextlib import ExitStack
from itertools import count

import paths
import pytest
from echo_host import PRESET, EchoHost
from wait import wait_until


@pytest.fixture(scope="module")
def host(folder):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, hard, 512), hard))  # which the host inherits
    try:
        running = EchoHost(folder / "descriptors", loops=2)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with running:
        yield running


def _leave_descriptors(host, spare):
    """At most that many more may be opened, gaps counted; None: as many as there may be."""
    pid = host.process.pid
    hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
    open_ones = set(map(int, os.listdir(f"/proc/{pid}/fd")))
    used = next(number for number in count() if number not in open_ones)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard if spare is None else used + spare, hard))


def _is_answered(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status in (200, 404)
    finally:
        connection.close()


def test_soft_limit_is_what_the_system_allows(host):
    soft, hard = resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE)
    assert soft == hard


@pytest.mark.parametrize("listener", ["rest", "admin", "grpc"])
def test_nobody_is_accepted_until_there_are_descriptors(host, listener):
    port = {"rest": host.rest_port, "admin": host.admin_port, "grpc": host.port}[listener]
    said = len(host.log())
    _leave_descriptors(host, spare=4)
    with ExitStack() as clients:
        for _ in range(20):
            clients.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        wait_until(lambda: "pauses: out of descriptors" in host.log()[said:], "the host to say so", 10)
        assert host.process.poll() is None
        _leave_descriptors(host, spare=None)
    wait_until(lambda: _is_answered(host.rest_port, "/nothing"), "REST to answer")
    wait_until(lambda: _is_answered(host.admin_port, "/healthz"), "the admin port to answer")
    with host.channel() as channel:
        import echo_pb2  # generated
        assert host.stub(channel).Echo(echo_pb2.EchoRequest(text="x"), timeout=10).text == "x"


def _seconds_with_pauses(host):
    """For each line about a pause, the second in which it was written."""
    return [line[:len("time=2026-01-31T12:00:00")] for line in host.log().splitlines() if "rest listener pauses" in line]


def test_pauses_do_not_flood_the_log(host):
    """Each of the two loops tries again 20 times a second, and says so once."""
    said = len(_seconds_with_pauses(host))
    _leave_descriptors(host, spare=0)
    with ExitStack() as clients:
        for _ in range(20):
            clients.enter_context(socket.create_connection(("127.0.0.1", host.rest_port), timeout=10))
        wait_until(lambda: len(set(_seconds_with_pauses(host)[said:])) == 3, "the host to say so for three seconds", 20)
        seconds = _seconds_with_pauses(host)[said:]
        assert len(seconds) <= 3 * 2 * 2
        _leave_descriptors(host, spare=None)


def test_a_reload_without_descriptors_is_refused(folder):
    """A host that nobody is leaving meanwhile, who would give a descriptor back."""
    with EchoHost(folder / "descriptors-reload", loops=2) as host:
        _leave_descriptors(host, spare=0)
        assert "Too many open files" in host.reload(plugin_config='greeting = "new ";')
        _leave_descriptors(host, spare=None)
        assert "reload done" in host.reload(plugin_config='greeting = "newer ";')


def _listens(port):
    with socket.socket() as peer:
        return peer.connect_ex(("127.0.0.1", port)) == 0


def test_the_log_of_a_host_without_standard_error_goes_nowhere(folder):
    """Not into the file that was opened first, which got its number: the pid file."""
    with EchoHost(folder / "descriptors-closed") as host:
        host.stop()
        process = subprocess.Popen(["sh", "-c", 'exec "$0" run -c "$1" 2>&-', paths.atlas_program(PRESET),
                                    host.home / "echo.cfg"])
        pid_file = host.home / "run" / "echo.pid"
        try:
            wait_until(lambda: pid_file.exists() and _listens(host.rest_port), "the host to be up")
            process.send_signal(signal.SIGHUP)
            assert _is_answered(host.rest_port, "/nothing")
            assert pid_file.read_text() == f"{process.pid}\n"
        finally:
            process.terminate()
            assert process.wait(20) == 0


def test_a_start_with_too_few_descriptors_says_so(folder):
    """Not libevent, which would end the process in its own words."""
    with EchoHost(folder / "descriptors-few") as host:
        host.stop()
        host.configure(loops=6)
        ended = subprocess.run([paths.atlas_program(PRESET), "run", "-c", str(host.home / "echo.cfg")], timeout=20,
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20)),
                               stderr=subprocess.PIPE, text=True, check=False)
        assert ended.returncode == 1
        assert "Too many open files; raise the limit of open files" in ended.stderr and "[err]" not in ended.stderr
        assert os.listdir(host.home / "run") == []
