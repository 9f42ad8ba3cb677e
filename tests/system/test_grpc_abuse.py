"""Clients of the gRPC port that mean no good: each is ended or refused, and the others notice nothing."""

import os
import struct

import grpc
import pytest
from echo_host import EchoHost
from h2_frames import (CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, RST_STREAM, SETTINGS,
                       WINDOW_UPDATE, Peer, field, frame, message, request)

ECHO = "/atlas.test.v1.Echo/Echo"
JOIN = "/atlas.test.v1.Echo/EchoJoin"


@pytest.fixture(scope="module")
def host(folder):
    with EchoHost(folder / "grpc-abuse") as running:
        yield running


@pytest.fixture(autouse=True)
def others_are_served(host, generated_stubs):
    import echo_pb2

    yield
    with host.channel() as channel:
        assert host.stub(channel).Echo(echo_pb2.EchoRequest(text="still here"), timeout=5).text == "still here"


def _cpu_s(host):
    """Seconds of processor time that the host has used."""
    fields = open(f"/proc/{host.process.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _call(stream, *more):
    return (frame(HEADERS, END_HEADERS, stream, request(ECHO, *more)) +
            frame(DATA, END_STREAM, stream, message()))


def _reset(stream, code):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def test_rapid_reset_ends_the_connection(host):
    with Peer(host.port) as peer:
        peer.send(b"".join(_call(n) + _reset(n, 8) for n in range(1, 20000, 2)))
        peer.frames()
        assert peer.is_ended


def test_who_makes_us_reset_is_ended(host):
    with Peer(host.port) as peer:  # more DATA than the content-length says is our reset
        peer.send(b"".join(_call(n, (b"content-length", b"1")) for n in range(1, 20000, 2)))
        peer.frames()
        assert peer.is_ended


FLOODS = {
    "settings": frame(SETTINGS, 0, 0, b"\0\4\0\0\xff\xff"),
    "ping": frame(PING, 0, 0, b"12345678"),
    "ping_answers": frame(PING, 1, 0, b"12345678"),
    "window": frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1"),
    "priority": frame(2, 0, 1, b"\0\0\0\0\x10"),
}


@pytest.mark.parametrize("name", FLOODS)
def test_floods_of_control_frames_end_the_connection(host, name):
    with Peer(host.port) as peer:
        peer.send(FLOODS[name] * 100_000)
        peer.frames()
        assert peer.is_ended


def test_empty_data_frames_end_the_connection(host):
    with Peer(host.port) as peer:
        peer.send(frame(HEADERS, END_HEADERS, 1, request(ECHO)) + frame(DATA, 0, 1) * 100_000)
        peer.frames()
        assert peer.is_ended


def test_endless_headers_end_the_connection(host):
    with Peer(host.port) as peer:
        peer.send(frame(HEADERS, 0, 1, request(ECHO)) + frame(CONTINUATION, 0, 1) * 100_000)
        assert all(kind != HEADERS for kind, *_ in peer.frames())
        assert peer.is_ended


def _bomb(stream, trailers=False):
    """128 KiB that stand for 512 MiB: references to one long field. Needs it as the last of the table."""
    flood = b"\xbe" * 16_000
    begin = b"" if trailers else request(ECHO)
    flags = END_STREAM if trailers else 0
    return (frame(HEADERS, flags, stream, begin + flood) + frame(CONTINUATION, 0, stream, flood) * 7 +
            frame(CONTINUATION, END_HEADERS, stream, flood))


def test_header_bombs_cost_us_little(host):
    with Peer(host.port) as peer:
        peer.send(frame(HEADERS, END_HEADERS, 1, request(ECHO) + field(b"x", b"y" * 4000, keep=True)) +
                  frame(DATA, END_STREAM, 1, message()))
        before = _cpu_s(host)
        peer.send(b"".join(_bomb(n) for n in range(3, 43, 2)))
        peer.send(frame(HEADERS, END_HEADERS, 43, request(ECHO)) + _bomb(43, trailers=True))
        frames = peer.frames(until=lambda one: one[0] == RST_STREAM and one[2] == 43)
    reset = {stream for kind, _, stream, _ in frames if kind == RST_STREAM}
    assert reset == set(range(3, 44, 2))
    assert _cpu_s(host) - before < 2  # without a limit it is about 5 ms in 1,000 fields, so 10 s


@pytest.mark.parametrize("broken", [b"\1\0\0\0\0", b"\0\x7f\0\0\0"], ids=["compressed", "too_large"])
def test_a_stream_that_is_refused_at_once_is_not_begun(folder, broken):
    """Headers and a broken message in one packet; the handler would wait before it looks at them."""
    with EchoHost(folder / f"grpc-refused-stream-{broken[0]}", plugin_config='join_delay = "100ms";') as slow:
        with Peer(slow.port) as peer:
            peer.send(b"".join(frame(HEADERS, END_HEADERS, n, request(JOIN)) + frame(DATA, 0, n, broken)
                               for n in range(1, 9, 2)))
            peer.send(frame(HEADERS, END_HEADERS, 9, request(JOIN)) + frame(DATA, END_STREAM, 9, message()))
            frames = peer.frames(until=lambda one: one[2] == 9 and one[1] & END_STREAM)
        answered = {stream for kind, flags, stream, _ in frames if kind == HEADERS and flags & END_STREAM}
        assert answered == {1, 3, 5, 7, 9}
        assert slow.metric("atlas_calls_total") == 1


def test_refused_connections_are_told_of_once_a_second(folder):
    with EchoHost(folder / "grpc-refused", more="grpc = { connections = 4; };") as small:
        peers = [Peer(small.port) for _ in range(200)]
        for peer in peers:
            peer.frames(timeout=0.5)
            peer.close()
        assert sum(peer.is_ended for peer in peers) == 196
        assert 1 <= small.log().count("connections are open") < 30


def test_headers_somewhat_over_the_limit_get_a_status(host):
    with host.channel() as channel, pytest.raises(grpc.RpcError) as failure:
        channel.unary_unary(ECHO)(b"", metadata=[("x-big", "v" * 20_000), ("x-more", "v" * 20_000)], timeout=5)
    assert failure.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_replies_that_nobody_takes_do_not_stop_the_others(host):
    """Clients without a window: 30 x 100 replies wait, and the fixture still gets its own."""
    peers = [Peer(host.port, b"\0\4\0\0\0\0") for _ in range(30)]
    for peer in peers:
        peer.send(b"".join(_call(n) for n in range(1, 200, 2)))
    for peer in peers:
        answered = set()
        peer.frames(until=lambda one: one[0] == HEADERS and (answered.add(one[2]) or len(answered) == 100))
        assert len(answered) == 100
    import echo_pb2
    with host.channel() as channel:
        assert host.stub(channel).Echo(echo_pb2.EchoRequest(text="x"), timeout=5).text == "x"
    for peer in peers:
        peer.close()


BROKEN = {
    "path_missing": b"\x83\x86" + field(b"content-type", b"application/grpc"),
    "upper_case": request(ECHO, (b"X-A", b"b")),
    "connection": request(ECHO, (b"connection", b"close")),
    "late_pseudo_header": request(ECHO) + field(b":path", b"/x"),
    "line_end_in_value": request(ECHO, (b"x", b"a\r\nb")),
    "nul_in_path": request("/a\0b"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_requests_cost_their_stream_only(host, name):
    with Peer(host.port) as peer:
        peer.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, BROKEN[name]) + _call(3))
        frames = peer.frames(until=lambda one: one[2] == 3 and one[1] & END_STREAM)
        assert {one[2] for one in frames if one[0] == RST_STREAM} == {1}
        assert [one for one in frames if one[0] == DATA and one[2] == 3]
