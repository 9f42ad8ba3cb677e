"""The REST server over plain sockets and http.client: what HTTP asks for beside the services."""

import http.client
import json
import select
import signal
import socket
import threading
import time

import pytest
from echo_host import EchoHost
from wait import wait_until

LIMITS = ('rest = { body_limit = "4KiB"; header_limit = "2KiB"; depth = 16; connections = 16; idle_timeout = "2s"; '
          'request_timeout = "600ms"; };')
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def host(folder):
    with EchoHost(folder / "rest-server", more=LIMITS) as running:
        yield running


def _ask(host, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", host.rest_port, timeout=10)
    try:
        connection.request(method, path, body=body, headers=headers if headers is not None else JSON)
        reply = connection.getresponse()
        return reply, reply.read()
    finally:
        connection.close()


def _raw(host, data, until_closed=True):
    """All that comes back for these bytes."""
    with socket.create_connection(("127.0.0.1", host.rest_port), timeout=10) as peer:
        peer.sendall(data)
        received = b""
        while until_closed or b"\r\n\r\n" not in received:
            try:
                part = peer.recv(65536)
            except ConnectionResetError:
                break
            if not part:
                break
            received += part
        return received


def _post(body, extra=b"", path=b"/echo"):
    return (b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + extra +
            b"Content-Length: %d\r\n\r\n" % len(body) + body)


def test_connections_are_kept(host):
    connection = http.client.HTTPConnection("127.0.0.1", host.rest_port, timeout=10)
    for n in range(50):
        connection.request("POST", "/echo", json.dumps({"text": str(n)}), JSON)
        assert json.loads(connection.getresponse().read()) == {"text": str(n)}
    connection.close()


def test_requests_sent_ahead_are_answered_in_order(host):
    requests = b"".join(_post(b'{"text":"%d"}' % n) for n in range(20))
    last = _post(b'{"text":"last"}', b"Connection: close\r\n")
    received = _raw(host, requests + last)
    assert received.count(b"HTTP/1.1 200 OK") == 21
    texts = [json.loads(part.split(b"\r\n\r\n", 1)[1])["text"] for part in received.split(b"HTTP/1.1 200 OK")[1:]]
    assert texts == [str(n) for n in range(20)] + ["last"]


def test_chunked_bodies_are_read(host):
    chunks = b'5\r\n{"tex\r\n9\r\nt":"abc"}\r\n0\r\n\r\n'
    received = _raw(host, b"POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
                          b"Content-Type: application/json\r\n\r\n" + chunks)
    assert received.endswith(b'{"text":"abc"}')


@pytest.mark.parametrize("head", [
    b"Transfer-Encoding : chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"Content-Length: 5\r\nContent-Length: 6\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"X\x01Y: 1\r\n"])
def test_what_two_servers_could_read_in_two_ways_is_refused(host, head):
    hidden = b"GET /echo/sleep?ms=1 HTTP/1.1\r\nHost: x\r\n\r\n"
    received = _raw(host, b"POST /echo HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n" + hidden)
    assert received.split()[1] in (b"400", b"413"), received  # some versions of libevent see bad chunks first
    assert received.count(b"HTTP/1.1") == 1, "what followed was read as a request of its own"


def test_a_body_with_head_is_refused(host):
    received = _raw(host, b"HEAD /echo/sleep HTTP/1.1\r\nHost: x\r\nContent-Length: 43\r\n\r\n"
                          b"GET /echo/sleep?ms=1 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 400"), received
    assert received.count(b"HTTP/1.1") == 1


def test_no_host_is_refused(host):
    assert _raw(host, b"GET /echo/sleep HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400")


def test_head_has_the_length_and_no_body(host):
    reply, body = _ask(host, "HEAD", "/echo/sleep")
    assert (reply.status, body, reply.headers["Content-Length"]) == (200, b"", "2")


@pytest.mark.parametrize("size", [4097, 12000, 8 << 20])
def test_large_bodies_are_refused(host, size):
    reply, body = _ask(host, "POST", "/echo", b" " * size)
    assert reply.status == 413
    assert json.loads(body)["code"] == 8


HEAD = b"POST /echo HTTP/1.1\r\nHost: x\r\n"
SMALL = b'{"text":"x"}'
REFUSED_BEFORE_WE_SEE_IT = {
    "line": (414, b"GET /" + b"a" * 30000),
    "whole_line": (414, b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"),
    "header": (431, b"GET /echo/sleep HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 4096 + b"\r\n\r\n"),
    "headers": (431, b"GET /echo/sleep HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 2000 + b"\r\n"),
    "no_line": (400, b"\x16\x03\x01\x02\x00\r\n\r\n"),
    "no_colon": (400, b"GET /echo/sleep HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n"),
    "http_2": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "http_0": (400, b"GET /echo/sleep HTTP/0.9\r\nHost: x\r\n\r\n"),
    "negative_minor": (400, b"GET /echo/sleep HTTP/1.-1\r\nHost: x\r\n\r\n"),
    "method": (501, b"BREW /echo HTTP/1.1\r\nHost: x\r\n\r\n"),
    "connect": (501, b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n"),
    "length_sign": (400, HEAD + b"Content-Length: +12\r\n\r\n" + SMALL),
    "length_negative": (400, HEAD + b"Content-Length: -1\r\n\r\n"),
    "length_list": (400, HEAD + b"Content-Length: 12, 12\r\n\r\n" + SMALL),
    "length_huge": (413, HEAD + b"Content-Length: 18446744073709551628\r\n\r\n" + SMALL),
    "chunk_huge": (413, HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + SMALL),
    "chunked_1_0": (400, b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n" + SMALL + b"\r\n0\r\n\r\n"),
    "compressed": (415, HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\nContent-Length: 12\r\n\r\n" + SMALL),
    "expectation": (417, HEAD + b"Expect: 200-maybe\r\nContent-Length: 12\r\n\r\n"),
    "two_slashes": (404, b"GET //echo/sleep HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
}


@pytest.mark.parametrize("before, data, status", [
    (b"GET /" + b"a" * 1900 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n\r\n", 414),
    (HEAD + b"Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n" + b"{}".ljust(4000),
     b"nonsense\r\n\r\n", 400)], ids=["line", "body"])
def test_request_line_is_judged_without_what_came_before(host, before, data, status):
    assert _raw(host, before + data).rsplit(b"HTTP/1.1 ", 1)[1].startswith(b"%d " % status)


@pytest.mark.parametrize("name", REFUSED_BEFORE_WE_SEE_IT)
def test_every_refusal_is_json(host, name):
    """Those of evhttp too: at once, as the last answer of its connection."""
    status, data = REFUSED_BEFORE_WE_SEE_IT[name]
    begin = time.monotonic()
    head, body = _raw(host, data).split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 %d " % status), head
    assert b"Content-Type: application/json" in head and b"Connection: close" in head
    assert set(json.loads(body)) == {"code", "message", "details"} and json.loads(body)["message"]
    assert time.monotonic() - begin < 1


@pytest.mark.parametrize("size", [4097, 1 << 20, 1 << 40])
def test_who_asks_before_sending_too_much_is_told_at_once(host, size):
    received = _raw(host, HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % size)
    assert received.startswith(b"HTTP/1.1 413"), received


@pytest.mark.parametrize("value", [b"close", b"TE, close", b"Close,TE", b"keep-alive, close"])
def test_a_connection_is_closed_when_asked(host, value):
    with socket.create_connection(("127.0.0.1", host.rest_port), timeout=10) as peer:
        begin = time.monotonic()
        peer.sendall(b"GET /echo/sleep HTTP/1.1\r\nHost: x\r\nConnection: " + value + b"\r\n\r\n")
        received = b""
        while part := peer.recv(4096):
            received += part
    assert b"Connection: close" in received and received.endswith(b"{}")
    assert time.monotonic() - begin < 1, "it was closed for idleness"


def test_who_asks_before_sending_may_go_on(host):
    with socket.create_connection(("127.0.0.1", host.rest_port), timeout=10) as peer:
        peer.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 12\r\n\r\n")
        assert peer.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        peer.sendall(SMALL)
        assert peer.recv(4096).startswith(b"HTTP/1.1 200")


def test_who_sends_on_after_a_refusal_gets_it_all_the_same(host):
    """The answer lies behind what the client still sends; a reset would throw it away."""
    with socket.create_connection(("127.0.0.1", host.rest_port), timeout=10) as peer:
        peer.sendall(HEAD + b"Content-Length: 6000000\r\n\r\n")
        for _ in range(60):
            peer.sendall(b" " * 100_000)
            time.sleep(0.002)
        received = b""
        while part := peer.recv(4096):
            received += part
    assert received.startswith(b"HTTP/1.1 413") and received.endswith(b'"details":[]}')


def test_who_never_stops_sending_is_left(host):
    with socket.create_connection(("127.0.0.1", host.rest_port), timeout=10) as peer:
        peer.sendall(HEAD + b"Content-Length: 99999999999\r\n\r\n")
        end = time.monotonic() + 15
        with pytest.raises(OSError):
            while time.monotonic() < end:
                peer.sendall(b" " * 10_000)
                time.sleep(0.01)
        assert time.monotonic() < end


def test_deep_json_is_refused(host):
    reply, body = _ask(host, "POST", "/echo", '{"text":' + "[" * 20 + "]" * 20 + "}")
    assert reply.status == 400
    assert "nested more than 16 deep" in json.loads(body)["message"]


def test_the_trace_is_taken_over_or_begun(host):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    reply, _ = _ask(host, "GET", "/echo/sleep", headers={"traceparent": trace})
    assert reply.headers["traceparent"].split("-")[1] == trace.split("-")[1]
    begun = {_ask(host, "GET", "/echo/sleep")[0].headers["traceparent"] for _ in range(10)}
    assert len(begun) == 10


def test_statuses_become_http(host):
    expected = {1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 409, 10: 409, 11: 400, 12: 501,
                13: 500, 14: 503, 15: 500, 16: 401}
    for code, status in expected.items():
        reply, body = _ask(host, "POST", f"/echo/fail/{code}", '{"message":"why \\u263a"}')
        assert reply.status == status
        assert json.loads(body) == {"code": code, "message": "why ☺", "details": []}


def test_a_deadline_ends_the_call(host):
    started = time.monotonic()
    reply, body = _ask(host, "GET", "/echo/sleep?ms=10000", headers={"Grpc-Timeout": "50m"})
    assert (reply.status, json.loads(body)["code"]) == (504, 4)
    assert time.monotonic() - started < 5
    assert _ask(host, "GET", "/echo/sleep", headers={"Grpc-Timeout": "soon"})[0].status == 400


def test_clients_that_leave_end_their_calls(host):
    """Their calls would hold all 16 connections for an hour."""
    for _ in range(3):
        peers = [socket.create_connection(("127.0.0.1", host.rest_port), timeout=10) for _ in range(12)]
        for peer in peers:
            peer.sendall(b"GET /echo/sleep?ms=3600000 HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.05)
        for peer in peers:
            peer.close()
    assert _ask(host, "GET", "/echo/sleep")[0].status == 200


def test_a_client_that_sends_ahead_and_leaves_ends_its_call(host):
    with socket.create_connection(("127.0.0.1", host.rest_port), timeout=10) as peer:
        peer.sendall(b"GET /echo/sleep?ms=3600000 HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        time.sleep(0.05)
    assert _ask(host, "GET", "/echo/sleep")[0].status == 200


def test_connections_are_bounded_and_wait_their_turn(host):
    """More than the bound are open; those beyond it are accepted when others close."""
    idle = [socket.create_connection(("127.0.0.1", host.rest_port), timeout=10) for _ in range(40)]
    answers = []
    asking = threading.Thread(target=lambda: answers.append(_ask(host, "GET", "/echo/sleep")[0].status))
    asking.start()
    time.sleep(0.2)
    assert not answers
    host.wait_log('msg="rest listener pauses: as many connections are open as may be')
    for peer in idle:
        peer.close()
    asking.join(timeout=10)
    assert answers == [200]


def test_idle_connections_are_closed(host):
    with socket.create_connection(("127.0.0.1", host.rest_port), timeout=10) as peer:
        assert peer.recv(1) == b""


def _drip(host, data, pause=0.05):
    """Sends a byte at a time until the host has enough; what it said, and after how long."""
    with socket.create_connection(("127.0.0.1", host.rest_port), timeout=10) as peer:
        begun = time.monotonic()
        received = b""
        try:
            for byte in data:
                peer.sendall(bytes([byte]))
                if select.select([peer], [], [], pause)[0]:
                    received += peer.recv(65536)
                    break
        except (BrokenPipeError, ConnectionResetError):
            pass
        return received, time.monotonic() - begun


@pytest.mark.parametrize("data", [
    b"GET /echo/sleep HTTP/1.1\r\n" + b"X: " + b"x" * 1000,
    _post(b" " * 1000),
], ids=["header", "body"])
def test_a_request_that_drips_is_ended(host, data):
    received, took = _drip(host, data)
    assert 0.5 < took < 1.9, "neither the time limit of the whole request nor before that of an idle connection"
    assert received.startswith(b"HTTP/1.1 408"), received
    assert json.loads(received.split(b"\r\n\r\n")[1])["code"] == 4


def test_the_time_limit_is_for_each_request(host):
    """A connection that is older than it, an answer that takes longer, and a request sent ahead of it."""
    with socket.create_connection(("127.0.0.1", host.rest_port), timeout=10) as peer:
        for part in (b"GET /echo/sleep?ms=1 HTTP/1.1\r\n", b"Host: x\r\n\r\n") * 3:
            peer.sendall(part)
            time.sleep(0.2)  # the pace of the client, not a wait for the host
        peer.sendall(b"GET /echo/sleep?ms=900 HTTP/1.1\r\nHost: x\r\n\r\n"
                     b"GET /echo/sleep?ms=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = b""
        while part := peer.recv(65536):
            received += part
    assert received.count(b"HTTP/1.1 200") == 5, received


def test_connections_and_slow_requests_are_counted(host):
    wait_until(lambda: host.metric("atlas_rest_connections") == 0, "the connections of other tests to go")
    peers = [socket.create_connection(("127.0.0.1", host.rest_port), timeout=10) for _ in range(3)]
    wait_until(lambda: host.metric("atlas_rest_connections") == 3, "three open connections")
    for peer in peers:
        peer.close()
    wait_until(lambda: host.metric("atlas_rest_connections") == 0, "no open connection")
    before = host.metric("atlas_rest_slow_requests_total")
    _drip(host, b"GET /echo/sleep" + b"x" * 1000)
    assert host.metric("atlas_rest_slow_requests_total") == before + 1


def test_reaching_the_bound_is_counted(host):
    before = host.metric("atlas_rest_accept_pauses_total")
    peers = [socket.create_connection(("127.0.0.1", host.rest_port), timeout=10) for _ in range(17)]
    wait_until(lambda: host.metric("atlas_rest_accept_pauses_total") > before, "accepting to pause")
    for peer in peers:
        peer.close()


def test_the_drain_waits_for_the_first_request_of_a_connection(folder):
    """A connection was accepted, and its client is slow to ask: it is answered, and then the host ends."""
    with EchoHost(folder / "rest-first", loops=2) as host:
        with socket.create_connection(("127.0.0.1", host.rest_port), timeout=10) as peer:
            assert _ask(host, "POST", "/echo", b'{"text":"x"}')[0].status == 200  # so the other is accepted too
            host.send(signal.SIGTERM)
            host.wait_log("signal=Terminated")
            time.sleep(0.6)
            peer.sendall(_post(b'{"text":"x"}', b""))
            received = b""
            while part := peer.recv(4096):
                received += part
            assert received.startswith(b"HTTP/1.1 200") and b"Connection: close" in received
        assert host.wait_end() == 0


def test_the_drain_loses_no_request(folder):
    """Clients that connect anew for each request, while the host ends: each connection that was made is answered."""
    failures, answered, stop = [], [], threading.Event()

    def ask(host):
        while not stop.is_set():
            try:
                peer = socket.create_connection(("127.0.0.1", host.rest_port), timeout=0.5)
            except OSError:
                return  # the host does not listen any more
            with peer:
                peer.settimeout(10)
                peer.sendall(_post(b'{"text":"x"}', b"Connection: close\r\n"))
                received = b""
                try:
                    while part := peer.recv(4096):
                        received += part
                except OSError as failure:
                    received = repr(failure).encode()
                (answered if received.endswith(b'{"text":"x"}') else failures).append(received)

    with EchoHost(folder / "rest-drain", loops=2) as host:
        slow = []
        waiting = threading.Thread(target=lambda: slow.append(_ask(host, "GET", "/echo/sleep?ms=2000")[0]))
        clients = [threading.Thread(target=ask, args=(host,)) for _ in range(8)]
        for thread in [waiting, *clients]:
            thread.start()
        time.sleep(0.3)
        host.process.send_signal(signal.SIGTERM)
        for thread in [waiting, *clients]:
            thread.join(timeout=20)
        stop.set()
        host.process.wait(timeout=20)
    assert not failures
    assert len(answered) > 50
    assert (slow[0].status, slow[0].headers["Connection"]) == (200, "close")
