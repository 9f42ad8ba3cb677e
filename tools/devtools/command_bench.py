"""tools/dev bench: the figures that Atlas promises, each beside what it is compared with, in one run.

Servers are pinned to one core and clients to another, the sides take turns, and the best round of each
counts: what is shown are ratios, absolute figures are the machine's.
"""

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import build
import config
import load
import paths
import ports
import process
from failure import Failure, reported
from host import Host
from say import line, step
from stack import Hosts, Servers

_BENCH = paths.ROOT / "bench"
_ROUNDS = 4
_PRESET = "release"


@dataclass
class Figure:
    name: str
    value: str
    target: str
    is_reached: bool


class Bench:
    """A folder for the run, and the servers that are up during one figure."""

    def __init__(self, folder):
        self.folder = folder
        self.figures = []
        self.body = folder / "echo.bin"
        text = b"\x0a\x0bhello world"
        self.body.write_bytes(b"\0" + len(text).to_bytes(4, "big") + text)

    @contextlib.contextmanager
    def server(self, name, argv, port):
        """A server pinned to its core, ready when it listens."""
        started = process.start(name, load.on_cpu(load.SERVER_CPU, argv), self.folder / f"{name}.log",
                                ends_with_us=True)
        try:
            process.wait_ready(started, lambda: ports.is_open(port), 15.0)
            yield
        finally:
            started.stop()

    @contextlib.contextmanager
    def atlas(self, name, more=""):
        """A process of bench/echo.cfg on free ports; gives them by the listener's name."""
        listeners = {one: ports.free_port() for one in ("echo", "tracker", "gateway")}
        admin = {"echo": ports.free_port(), "gateway": ports.free_port()}
        overlay = self.folder / "bench.cfg"
        elsewhere = "".join(f'    {{ service = "atlas.{one}.v1.{one.capitalize()}"; '
                            f'address = "127.0.0.1:{listeners["tracker"]}"; }},\n'
                            for one in ("order", "dispatch", "wallet"))
        overlay.write_text(config.overlay_addresses(listeners, admin, self.folder / "host")
                           + f"placements = (\n{elsewhere[:-2]}\n);\n" + more)
        (self.folder / "host").mkdir(exist_ok=True)
        host = Host(self.folder, [_BENCH / "echo.cfg", overlay], name, admin[name], preset=_PRESET,
                    ends_with_us=True, prefix=load.on_cpu(load.SERVER_CPU, []))
        host.start()
        try:
            host.wait_ready()
            yield listeners
        finally:
            host.process.stop()

    def add(self, name, value, target, is_reached):
        self.figures.append(Figure(name, value, target, is_reached))


def _best_of_each(*measures):
    """Every side in turn, so that what else the machine does hits all alike."""
    rounds = [[measure() for measure in measures] for _ in range(_ROUNDS)]
    return [max(column) for column in zip(*rounds)]


def bench_grpc(bench):
    """Unary echo through host, router, fiber and a typed handler, against a static file and gRPC C++."""
    file_port, peer_port = ports.free_port(), ports.free_port()
    www = bench.folder / "www"
    www.mkdir()
    (www / "file").write_text("hello world\n")
    path = "atlas.test.v1.Echo/Echo"
    peer = [paths.ROOT / "build" / "peers" / "peer_grpc_cpp", peer_port]
    with bench.server("nghttpd", ["nghttpd", "--no-tls", "-n1", "-d", www, file_port], file_port), \
            bench.atlas("echo") as listeners, bench.server("peer_grpc_cpp", peer, peer_port):
        _verify_echo(listeners["echo"])
        nghttpd, atlas, cpp = _best_of_each(
            lambda: load.h2load(f"http://127.0.0.1:{file_port}/file", 200_000),
            lambda: load.h2load(f"http://127.0.0.1:{listeners['echo']}/{path}", 200_000, bench.body),
            lambda: load.h2load(f"http://127.0.0.1:{peer_port}/{path}", 60_000, bench.body))
    line(f"gRPC unary echo: Atlas {atlas:,.0f}/s, nghttpd {nghttpd:,.0f}/s, gRPC C++ {cpp:,.0f}/s")
    bench.add("gRPC echo / nghttpd", f"{atlas / nghttpd:.2f}", "0.60 or more", atlas / nghttpd >= 0.6)
    bench.add("gRPC echo / gRPC C++", f"{atlas / cpp:.1f}", "3.0 or more", atlas / cpp >= 3.0)


def _verify_echo(port):
    """h2load counts HTTP 200 as success whatever grpc-status says, so a real client asks first."""
    import grpc
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        reply = channel.unary_unary("/atlas.test.v1.Echo/Echo")(b"\x0a\x0bhello world", timeout=5)
    if reply != b"\x0a\x0bhello world":
        raise Failure(f"the echo answered {reply}")


def bench_colocated(bench):
    """Relay is Echo with one co-located call in between: the difference is what that call costs."""
    def seconds(listeners, method):
        url = f"http://127.0.0.1:{listeners['echo']}/atlas.test.v1.Echo/{method}"
        return 1.0 / load.h2load(url, 150_000, bench.body)

    with bench.atlas("echo") as listeners:
        rounds = [(seconds(listeners, "Echo"), seconds(listeners, "Relay")) for _ in range(_ROUNDS)]
    cost_us = (min(relay for _, relay in rounds) - min(echo for echo, _ in rounds)) * 1e6
    with bench.atlas("echo", "calls = { force_wire = true; };\n") as listeners:
        wire_us = seconds(listeners, "Relay") * 1e6 - min(echo for echo, _ in rounds) * 1e6
    line(f"one more call inside a call: co-located {cost_us:.2f} us, over loopback gRPC {wire_us:.2f} us")
    bench.add("co-located call, microseconds", f"{cost_us:.2f}", "1.50 or less", cost_us <= 1.5)


def bench_rest(bench):
    """POST /driver/location through REST, transcoding, gateway and a co-located Tracker."""
    port = ports.free_port()
    script = _BENCH / "location.lua"
    peer = [paths.ROOT / "build" / "peers" / "peer_evhttp", port]
    with bench.server("peer_evhttp", peer, port), bench.atlas("gateway") as listeners:
        bare, atlas = _best_of_each(
            lambda: load.wrk(f"http://127.0.0.1:{port}/driver/location", script, 2),
            lambda: load.wrk(f"http://127.0.0.1:{listeners['gateway']}/driver/location", script, 2))
    line(f"REST: Atlas {atlas:,.0f}/s, bare evhttp with a constant {bare:,.0f}/s")
    bench.add("REST / bare evhttp", f"{atlas / bare:.2f}", "0.50 or more", atlas / bare >= 0.5)


def bench_footprint(bench):
    """All five plugins in one process, connected to real servers and idle."""
    addresses = config.Addresses.private()
    servers = Servers(bench.folder, addresses, real_kafka=False, preset=_PRESET, ends_with_us=True)
    overlay = bench.folder / "all.cfg"
    overlay.write_text(config.overlay(addresses, bench.folder / "host"))
    hosts = Hosts(bench.folder, [config.CONFIG, overlay], addresses, split=False, preset=_PRESET,
                  ends_with_us=True)
    try:
        servers.start()
        hosts.start()  # migrates, so that the second start is the one to measure
        hosts.stop()
        began = time.monotonic()
        hosts.start()
        ready_s = time.monotonic() - began
        time.sleep(2.0)  # idle
        status = Path(f"/proc/{hosts.all[0].process.pid}/status").read_text()
        resident_mb = int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024
    finally:
        hosts.stop()
        servers.stop()
    line(f"host with all five plugins: {resident_mb:.1f} MB resident, ready after {ready_s:.2f} s")
    bench.add("resident, MB", f"{resident_mb:.1f}", "under 40", resident_mb < 40)
    bench.add("ready after, s", f"{ready_s:.2f}", "under 0.50", ready_s < 0.5)


_PARTS = {"grpc": bench_grpc, "colocated": bench_colocated, "rest": bench_rest, "footprint": bench_footprint}


def _build_peers():
    folder = paths.ROOT / "build" / "peers"
    for argv in (["cmake", "-S", _BENCH / "peers", "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"],
                 ["cmake", "--build", folder]):
        done = subprocess.run(argv, text=True, capture_output=True, check=False)
        if done.returncode != 0:
            raise Failure(f"building bench/peers failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


@reported
def main(arguments):
    unknown = [name for name in arguments if name not in _PARTS]
    if unknown:
        raise Failure(f"no figure {', '.join(unknown)}; there are: {' '.join(_PARTS)}")
    paths.refuse_what_others_made()
    with step("building release and the peers"):
        build.build(_PRESET)
        _build_peers()
    folder = Path(tempfile.mkdtemp(prefix="atlas-bench-"))
    folder.chmod(0o755)
    bench = Bench(folder)
    try:
        for name in arguments or _PARTS:
            _PARTS[name](bench)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{'figure':<32}{'measured':>10}   target")
    for one in bench.figures:
        print(f"{one.name:<32}{one.value:>10}   {one.target:<14}  {'reached' if one.is_reached else 'MISSED'}")
    sys.stdout.flush()
    return 0 if all(one.is_reached for one in bench.figures) else 1
