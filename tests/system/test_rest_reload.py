"""REST while the host changes under it: routes that change at SIGHUP, services that run elsewhere or move.
Every client keeps its one connection through it all."""

import http.client
import json
import shutil
import signal
import threading
from concurrent import futures

import grpc
import paths
import plugin_files
import pytest
from echo_host import PRESET, EchoHost
from wait import wait_until

BUILT = paths.build_dir(PRESET) / "plugins"
PLACE = {"driver_id": "d", "latitude": 1.5, "longitude": 2.5}

# A process that knows Echo by a plugin that calls it, and serves it by REST.
FRONT = """
log = {{ level = "info"; }};
run_dir = "{home}/run";
plugin_path = [ "{plugins}" ];
processes = ( {{ name = "front"; loops = {loops}; plugins = [ {loaded} ]; }} );
listeners = (
    {{ name = "rest"; protocol = "rest"; address = "127.0.0.1:{rest_port}";
      services = [ "atlas.test.v1.Front", "atlas.test.v1.Echo" ]; }}
);
plugins = {{ front = {{ }}; echo = {{ }}; }};
calls = {{ default_deadline = "800ms"; }};
{more}
"""


class Client:
    """One connection, never opened again."""

    def __init__(self, port):
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self._http.connect()
        self._http.auto_open = False  # a connection that the server closed is a failure

    def ask(self, method, path, body=None):
        """(HTTP status, JSON)."""
        data = json.dumps(body) if body is not None else None
        self._http.request(method, path, data, {"Content-Type": "application/json"} if data else {})
        reply = self._http.getresponse()
        return reply.status, json.loads(reply.read())

    def echo(self, text):
        return self.ask("POST", "/echo", {"text": text})

    def close(self):
        self._http.close()


class Traffic:
    """A client that asks Echo all the time, in a with statement. Every answer but 200 is a failure."""

    def __init__(self, port):
        self._client = Client(port)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.answered, self.failures = 0, []

    def _run(self):
        try:
            while not self._end.is_set():
                status, reply = self._client.echo(str(self.answered))
                if (status, reply) != (200, {"text": str(self.answered)}):
                    self.failures.append((status, reply))
                self.answered += 1
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(repr(error))
        finally:
            self._client.close()

    def wait_for_more(self, count=50):
        target = self.answered + count
        wait_until(lambda: self.answered >= target or self.failures, f"{count} answers")
        assert not self.failures

    def __enter__(self):
        self._thread.start()
        self.wait_for_more()
        return self

    def __exit__(self, *failure):
        self._end.set()
        self._thread.join()


@pytest.fixture
def plugins(tmp_path):
    """A folder of plugins that a test may change."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    for name in ("echo", "front"):
        shutil.copy(BUILT / f"{name}.so", folder)
    return folder


@pytest.fixture
def host(tmp_path, plugins):
    with EchoHost(tmp_path / "host", loops=2) as running:
        _reload(running, plugins=plugins)
        yield running


def _reload(host, **changes):
    assert "reload done" in host.reload(**changes)


def _rename_route(plugins, old, new):
    """Puts another echo.so in place, whose descriptors have the route by another name."""
    plugin_files.patched(plugins / "echo.so", plugins / "echo.next", old, new)
    (plugins / "echo.next").rename(plugins / "echo.so")


def test_routes_change_for_connections_that_stay_open(host, plugins):
    clients = [Client(host.rest_port) for _ in range(8)]
    for client in clients:
        assert client.ask("POST", "/echo/location", PLACE) == (200, {"accepted": True})
        assert client.ask("POST", "/echo/position", PLACE)[0] == 404
    _rename_route(plugins, "/echo/location", "/echo/position")
    _reload(host)
    for client in clients:
        assert client.ask("POST", "/echo/location", PLACE)[0] == 404
        assert client.ask("POST", "/echo/position", PLACE) == (200, {"accepted": True})
        assert client.echo("still") == (200, {"text": "still"})
    _rename_route(plugins, "/echo/position", "/echo/location")
    _reload(host)
    for client in clients:
        assert client.ask("POST", "/echo/location", PLACE) == (200, {"accepted": True})
        client.close()


def test_a_call_in_flight_ends_on_the_route_that_it_came_by(host, plugins):
    client, other = Client(host.rest_port), Client(host.rest_port)
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(client.ask("GET", "/echo/sleep?ms=1500")))
    waiting.start()
    _rename_route(plugins, "/echo/sleep", "/echo/sloth")
    host.send(signal.SIGHUP)
    wait_until(lambda: other.ask("GET", "/echo/sloth")[0] == 200, "the new route")
    assert not answers, "the call was to be in flight during the reload"
    assert other.ask("GET", "/echo/sleep")[0] == 404
    waiting.join()
    assert answers == [(200, {})]
    assert client.ask("GET", "/echo/sleep?ms=1")[0] == 404
    assert client.ask("GET", "/echo/sloth?ms=1") == (200, {})
    client.close()
    other.close()


def test_no_answer_is_lost_over_many_reloads(host, plugins):
    names = ["/echo/location", "/echo/position"]
    with Traffic(host.rest_port) as first, Traffic(host.rest_port) as second:
        for _ in range(6):
            _rename_route(plugins, *names)
            names.reverse()
            _reload(host)
            first.wait_for_more()
            second.wait_for_more()
    assert not first.failures + second.failures


def test_routes_that_cannot_be_are_refused_and_the_old_ones_stay(host, plugins):
    """A path with a field that the request does not have."""
    with Traffic(host.rest_port) as traffic:
        _rename_route(plugins, "/echo/location", "/echo/{latitu}")
        said = host.reload()
        assert "reload refused" in said and "latitu" in said
        traffic.wait_for_more()
        assert Client(host.rest_port).ask("POST", "/echo/location", PLACE)[0] == 200


# --- A service that runs in another process ---

@pytest.fixture
def callee(tmp_path):
    host = EchoHost(tmp_path / "callee")
    yield host
    if host.process.poll() is None:
        host.stop()


def _placed(callee):
    return f'placements = ( {{ service = "atlas.test.v1.Echo"; address = "{callee.address}"; }} );\n'


@pytest.fixture
def front(tmp_path, callee):
    with EchoHost(tmp_path / "front", loops=2, template=FRONT, loaded='"front"', more=_placed(callee)) as host:
        yield host


_REQUESTS = [
    ("POST", "/echo", {"text": "x" * 100_000}),
    ("POST", "/echo", {"text": 7}),
    ("POST", "/echo", {"txet": "a"}),
    ("POST", "/echo/location", {"driver_id": "d", "latitude": 91.0, "longitude": 0.0}),
    ("POST", "/echo/location", PLACE),
    ("POST", "/echo/fail/5", {"message": "not here"}),
    ("POST", "/echo/fail/9", {"message": "not now"}),
    ("POST", "/echo/fail/0", {}),
    ("GET", "/echo", None),
    ("GET", "/nothing", None),
]


def test_a_service_elsewhere_answers_as_one_that_is_here(front, callee):
    there, here = Client(front.rest_port), Client(callee.rest_port)
    for request in _REQUESTS:
        assert there.ask(*request) == here.ask(*request), request
    there.close()
    here.close()


def test_a_service_elsewhere_has_the_deadline_of_the_request(front):
    client = Client(front.rest_port)
    status, reply = client.ask("GET", "/echo/sleep?ms=5000")
    assert status == 504 and reply["code"] == 4
    assert client.echo("after") == (200, {"text": "after"})
    client.close()


def test_a_service_elsewhere_may_be_away_for_a_while(front, callee):
    client = Client(front.rest_port)
    assert client.echo("a") == (200, {"text": "a"})
    callee.stop()
    status, reply = client.echo("b")
    assert status == 503 and reply["code"] == 14
    assert client.ask("GET", "/front?text=b")[0] == 503
    callee.start()
    wait_until(lambda: client.echo("c") == (200, {"text": "c"}), "the service to answer again")
    assert client.ask("GET", "/front?text=d") == (200, {"text": "d"})
    client.close()


def test_a_service_moves_in_and_out_under_traffic(front, callee):
    with Traffic(front.rest_port) as traffic:
        for loaded in ('"front", "echo"', '"front"') * 3:
            _reload(front, loaded=loaded)
            traffic.wait_for_more()
        callee.stop()
        wait_until(lambda: traffic.failures, "calls to need the process that is gone")
    assert traffic.failures[0][0] == 503


def test_a_service_whose_definition_goes_cannot_be_taken_away(front):
    with Traffic(front.rest_port) as traffic:
        said = front.reload(loaded='"echo"')
        assert "reload refused" in said and "REST cannot serve atlas.test.v1.Front" in said
        traffic.wait_for_more()


class Recorder(grpc.GenericRpcHandler):
    """A server of any method, by grpcio: answers with what came, and keeps the metadata."""

    def __init__(self):
        self.metadata = {}
        self._server = grpc.server(futures.ThreadPoolExecutor(2))
        self._server.add_generic_rpc_handlers((self,))
        self.port = self._server.add_insecure_port("127.0.0.1:0")

    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(self._answer)

    def _answer(self, request, context):
        self.metadata = dict(context.invocation_metadata())
        return request

    def __enter__(self):
        self._server.start()
        return self

    def __exit__(self, *failure):
        self._server.stop(None)


def test_a_service_elsewhere_gets_the_metadata_of_the_request(folder):
    """As one of this process does: a client cannot tell where it runs."""
    with Recorder() as recorder:
        placed = f'placements = ( {{ service = "atlas.test.v1.Echo"; address = "127.0.0.1:{recorder.port}"; }} );\n'
        with EchoHost(folder / "rest-metadata", template=FRONT, loaded='"front"', more=placed) as host:
            client = http.client.HTTPConnection("127.0.0.1", host.rest_port, timeout=10)
            client.request("POST", "/echo", '{"text": "x"}',
                           {"Authorization": "Bearer b", "Grpc-Metadata-Colour": "red"})
            assert client.getresponse().read() == b'{"text":"x"}'
            client.close()
    assert (recorder.metadata["authorization"], recorder.metadata["colour"]) == ("Bearer b", "red")
