"""The gRPC server against python3-grpcio, which nobody here wrote."""

import subprocess
import threading
import time

import grpc
import paths
import pytest
from echo_host import PRESET, EchoHost
from wait import wait_until

STREAM_OPTIONS = {"grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1}


@pytest.fixture(scope="module")
def host(folder):
    with EchoHost(folder / "grpc-server") as running:
        yield running


@pytest.fixture
def stub(host):
    with host.channel(**STREAM_OPTIONS) as channel:
        yield host.stub(channel)


@pytest.fixture(scope="module")
def pb(generated_stubs):
    import echo_pb2
    return echo_pb2


def _raw(channel, path):
    return channel.unary_unary(path, lambda data: data, lambda data: data)


def test_unary(stub, pb):
    for text in ("", "hello", "ä" * 1000):
        assert stub.Echo(pb.EchoRequest(text=text)).text == text


def test_server_streaming(stub, pb):
    replies = list(stub.EchoMany(pb.EchoManyRequest(text="x", count=1000)))
    assert [reply.text for reply in replies] == ["x"] * 1000
    assert not list(stub.EchoMany(pb.EchoManyRequest(text="x", count=0)))


def test_client_streaming(stub, pb):
    assert stub.EchoJoin(pb.EchoRequest(text=f"{n} ") for n in range(500)).text == "".join(
        f"{n} " for n in range(500))
    assert stub.EchoJoin(iter(())).text == ""


def test_both_streaming_one_by_one(stub, pb):
    """Each reply comes before the next request is sent."""
    answered = threading.Semaphore(1)

    def requests():
        for n in range(100):
            assert answered.acquire(timeout=10)
            yield pb.EchoRequest(text=str(n))

    for n, reply in enumerate(stub.EchoChat(requests())):
        assert reply.text == str(n)
        answered.release()
    assert n == 99


def test_big_messages_both_ways(stub, pb):
    text = "y" * 900_000
    assert stub.Echo(pb.EchoRequest(text=text), timeout=20).text == text
    replies = list(stub.EchoMany(pb.EchoManyRequest(text=text, count=8), timeout=20))
    assert [len(reply.text) for reply in replies] == [len(text)] * 8
    chat = stub.EchoChat((pb.EchoRequest(text=text) for _ in range(8)), timeout=20)
    assert [len(reply.text) for reply in chat] == [len(text)] * 8


def test_message_over_the_limit(stub, pb):
    for call in (lambda: stub.Echo(pb.EchoRequest(text="z" * 5_000_000), timeout=10),
                 lambda: stub.EchoJoin(iter([pb.EchoRequest(text="z" * 5_000_000)]), timeout=10)):
        with pytest.raises(grpc.RpcError) as failure:
            call()
        assert failure.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "message_limit" in failure.value.details()


def test_reply_over_the_limit_is_told_as_such(folder, pb):
    """Not as memory that is used up, which another key bounds."""
    with EchoHost(folder / "reply-limit", more='calls = { message_limit = "1KiB"; };',
                  plugin_config=f'greeting = "{"g" * 600}";') as running, running.channel() as channel:
        with pytest.raises(grpc.RpcError) as failure:
            running.stub(channel).Echo(pb.EchoRequest(text="t" * 600), timeout=10)
        assert failure.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "calls.message_limit (1024)" in failure.value.details()


def test_status_and_message_arrive(stub, pb):
    for code in grpc.StatusCode:
        if code is grpc.StatusCode.OK:
            continue
        message = f"100% {code.name}\nüber"
        with pytest.raises(grpc.RpcError) as failure:
            stub.Fail(pb.FailRequest(status=code.value[0], message=message))
        assert (failure.value.code(), failure.value.details()) == (code, message)


def test_unknown_method_and_service(host):
    with host.channel() as channel:
        for path, word in (("/atlas.test.v1.Echo/Nothing", "method"), ("/no.Such/Thing", "service")):
            with pytest.raises(grpc.RpcError) as failure:
                _raw(channel, path)(b"")
            assert failure.value.code() == grpc.StatusCode.UNIMPLEMENTED
            assert word in failure.value.details()


def test_message_that_is_no_protobuf(host):
    with host.channel() as channel:
        with pytest.raises(grpc.RpcError) as failure:
            _raw(channel, "/atlas.test.v1.Echo/Echo")(b"\xff\xff\xff")
        assert failure.value.code() in (grpc.StatusCode.INTERNAL, grpc.StatusCode.INVALID_ARGUMENT)


def test_more_than_one_message_to_a_unary_method(host, pb):
    with host.channel() as channel:
        for messages in ([], [b"", b""]):
            call = channel.stream_unary("/atlas.test.v1.Echo/Echo", lambda data: data, lambda data: data)
            with pytest.raises(grpc.RpcError) as failure:
                call(iter(messages))
            assert failure.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_compression_is_refused_by_name(host, pb):
    with host.channel() as channel:
        with pytest.raises(grpc.RpcError) as failure:
            host.stub(channel).Echo(pb.EchoRequest(text="x" * 5000), compression=grpc.Compression.Gzip)
        assert failure.value.code() == grpc.StatusCode.UNIMPLEMENTED
        assert host.stub(channel).Echo(pb.EchoRequest(text="a")).text == "a"


def test_metadata_does_not_disturb(stub, pb):
    metadata = [("x-text", "a b"), ("x-bytes-bin", bytes(range(256))), ("x-bytes-bin", b"")]
    assert stub.Echo(pb.EchoRequest(text="m"), metadata=metadata).text == "m"


def test_handlers_read_and_set_metadata(stub, pb):
    """Leading metadata that is set behind the first message can only be trailing."""
    call = stub.EchoMetadata(pb.EchoRequest(text="x-who"), metadata=[("x-who", "ada")])
    assert len(list(call)) == 1
    leading, trailing = dict(call.initial_metadata()), dict(call.trailing_metadata())
    assert leading.get("echo-leading") == "ada" and "echo-late" not in leading
    assert trailing.get("echo-trailing") == "ada" and trailing.get("echo-late") == "ada"


def test_metadata_as_large_as_may_be(folder, pb):
    """Its text is a third longer over the wire, and beyond what nghttp2 sends if it is not told otherwise."""
    wide = 'calls = { metadata_limit = "64KiB"; };\ngrpc = { header_limit = "256KiB"; };'
    value = bytes(range(256)) * 121
    with EchoHost(folder / "grpc-metadata", more=wide) as host, \
            host.channel(**{"grpc.max_metadata_size": 1 << 20, "grpc.absolute_max_metadata_size": 1 << 20}) as channel:
        call = host.stub(channel).EchoMetadata(pb.EchoRequest(text="x-who-bin"), metadata=[("x-who-bin", value)],
                                               timeout=10)
        assert len(list(call)) == 1
        assert dict(call.initial_metadata())["echo-leading-bin"] == value
        trailing = dict(call.trailing_metadata())
        assert trailing["echo-late-bin"] == trailing["echo-trailing-bin"] == value


def test_metadata_over_the_limit(stub, pb):
    with pytest.raises(grpc.RpcError) as failure:
        stub.Echo(pb.EchoRequest(text="m"), metadata=[("x-big", "v" * 12_000), ("x-more", "v" * 12_000)])
    assert failure.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert stub.Echo(pb.EchoRequest(text="m")).text == "m"


def test_deadline(stub, pb):
    begin = time.monotonic()
    with pytest.raises(grpc.RpcError) as failure:
        stub.Sleep(pb.SleepRequest(ms=10_000), timeout=0.2)
    assert failure.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - begin < 2


def test_cancel_ends_the_handler(host, stub, pb):
    """Cancelled calls leave their fibers: far more of them than there are fibers."""
    for _ in range(60):
        calls = [stub.Sleep.future(pb.SleepRequest(ms=600_000)) for _ in range(100)]
        time.sleep(0.01)
        for call in calls:
            call.cancel()
        assert stub.Echo(pb.EchoRequest(text="alive"), timeout=5).text == "alive"


def test_many_calls_at_once(stub, pb):
    calls = [stub.Sleep.future(pb.SleepRequest(ms=100)) for _ in range(1000)]
    for call in calls:
        call.result(timeout=30)


def test_legal_cancels_do_not_end_the_connection(host, pb):
    """A client that cancels 100 times a second is within its rights (nghttp2's default is 33)."""
    with host.channel() as channel:
        stub = host.stub(channel)
        stub.Echo(pb.EchoRequest(text="first"))
        states = []
        channel.subscribe(states.append)
        end = time.monotonic() + 4
        while time.monotonic() < end:
            call = stub.Sleep.future(pb.SleepRequest(ms=60_000))
            time.sleep(0.005)
            call.cancel()
            time.sleep(0.005)
        assert stub.Echo(pb.EchoRequest(text="last")).text == "last"
        assert grpc.ChannelConnectivity.IDLE not in states[1:]
        assert grpc.ChannelConnectivity.TRANSIENT_FAILURE not in states[1:]


def test_reset_uploads_give_the_window_back(host, pb):
    """Bytes of streams that ended unread must not shrink the connection's window for ever."""
    with host.channel(**STREAM_OPTIONS) as channel:
        stub = host.stub(channel)
        chunk = pb.EchoRequest(text="w" * 60_000)
        for _ in range(60):
            # EchoChat answers until we take no more; then it reads no more either.
            call = stub.EchoChat(chunk for _ in range(100))
            next(call)
            call.cancel()
        text = "v" * 900_000
        assert stub.Echo(pb.EchoRequest(text=text), timeout=10).text == text
        joined = stub.EchoJoin((chunk for _ in range(15)), timeout=10)
        assert len(joined.text) == 15 * 60_000


def test_a_slow_reader_does_not_stop_the_others(host, pb):
    with host.channel(**STREAM_OPTIONS) as channel, host.channel() as other:
        slow = host.stub(channel).EchoMany(pb.EchoManyRequest(text="s" * 100_000, count=2000))
        next(slow)
        for _ in range(200):
            assert host.stub(other).Echo(pb.EchoRequest(text="quick"), timeout=5).text == "quick"
        slow.cancel()


def test_two_endless_streams_share_a_connection(host, pb):
    with host.channel(**STREAM_OPTIONS) as channel:
        stub = host.stub(channel)
        streams = [stub.EchoMany(pb.EchoManyRequest(text="e" * 1000, count=2_000_000)) for _ in range(2)]
        for _ in range(2000):
            for stream in streams:
                next(stream)
        for stream in streams:
            stream.cancel()


def test_early_end_while_the_client_sends(host, pb):
    """EchoJoin fails at text_limit, in the middle of an upload; the connection goes on."""
    with host.channel(**STREAM_OPTIONS) as channel:
        stub = host.stub(channel)
        with pytest.raises(grpc.RpcError) as failure:
            stub.EchoJoin((pb.EchoRequest(text="j" * 100_000) for _ in range(200)), timeout=20)
        assert failure.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "text_limit" in failure.value.details()
        assert stub.Echo(pb.EchoRequest(text="on")).text == "on"


def test_connections_refusals_and_resets_are_counted(folder, pb):
    with EchoHost(folder / "grpc-counted", more="grpc = { connections = 2; };") as running:
        with running.channel() as first, running.channel() as second, running.channel() as third:
            assert running.stub(first).Echo(pb.EchoRequest(text="1"), timeout=5).text == "1"
            assert running.stub(second).Echo(pb.EchoRequest(text="2"), timeout=5).text == "2"
            assert running.metric("atlas_grpc_connections") == 2
            with pytest.raises(grpc.RpcError) as failure:
                running.stub(third).Echo(pb.EchoRequest(text="3"), timeout=1)
            assert failure.value.code() == grpc.StatusCode.UNAVAILABLE
            assert running.metric("atlas_grpc_refused_connections_total") >= 1
            stream = running.stub(first).EchoMany(pb.EchoManyRequest(text="x" * 1000, count=1_000_000))
            next(stream)
            stream.cancel()
            wait_until(lambda: running.metric('atlas_grpc_resets_total{by="client"') == 1, "the reset")
        wait_until(lambda: running.metric("atlas_grpc_connections") == 0, "the connections to close")


def test_second_host_on_the_port_is_refused(host, folder):
    file = folder / "grpc-server" / "echo.cfg"
    second = subprocess.run([paths.atlas_program(PRESET), "run", "-c", str(file), "-D",
                             f"run_dir={folder}/grpc-second"], text=True, capture_output=True, timeout=20,
                            check=False)
    assert second.returncode != 0
    assert "another process listens there" in second.stderr + second.stdout


def test_drain_loses_no_call(folder, pb):
    """SIGTERM while calls run: those that were accepted finish, the host ends with 0."""
    with EchoHost(folder / "grpc-drain", loops=2) as running:
        channels = [running.channel() for _ in range(4)]
        for channel in channels:
            grpc.channel_ready_future(channel).result(timeout=10)
        calls = [running.stub(channel).Sleep.future(pb.SleepRequest(ms=500))
                 for channel in channels for _ in range(50)]
        time.sleep(0.2)
        running.stop()
        for call in calls:
            call.result(timeout=5)
        for channel in channels:
            channel.close()
