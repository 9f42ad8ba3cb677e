"""Health and reflection of gRPC listeners, asked by python3-grpcio with stubs from the published protos."""

import signal
import subprocess

import grpc
import paths
import pytest
from echo_host import EchoHost
from google.protobuf import descriptor_pb2

ECHO = "atlas.test.v1.Echo"
PROTOS = ["grpc/health/v1/health.proto", "grpc/reflection/v1/reflection.proto",
          "grpc/reflection/v1alpha/reflection.proto"]


@pytest.fixture(scope="module")
def stubs(folder):
    """The generated modules lie in the package grpc, beside those of grpcio."""
    out = folder / "host-services-stubs"
    out.mkdir()
    subprocess.run(["protoc", f"-I{paths.ROOT / 'proto'}", f"--python_out={out}", f"--grpc_python_out={out}",
                    "--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin", *PROTOS], check=True)
    grpc.__path__.append(str(out / "grpc"))
    from grpc.health.v1 import health_pb2, health_pb2_grpc
    from grpc.reflection.v1 import reflection_pb2, reflection_pb2_grpc
    from grpc.reflection.v1alpha import reflection_pb2 as alpha_pb2, reflection_pb2_grpc as alpha_pb2_grpc

    class Stubs:
        health, health_stub = health_pb2, health_pb2_grpc.HealthStub
        reflections = [(reflection_pb2, reflection_pb2_grpc.ServerReflectionStub),
                       (alpha_pb2, alpha_pb2_grpc.ServerReflectionStub)]

    return Stubs


@pytest.fixture(scope="module")
def host(folder):
    with EchoHost(folder / "host-services") as running:
        yield running


@pytest.fixture(params=[0, 1], ids=["v1", "v1alpha"])
def ask(request, host, stubs):
    """Asks questions on one stream."""
    messages, stub = stubs.reflections[request.param]
    with host.channel() as channel:
        def run(*questions):
            requests = [messages.ServerReflectionRequest(**question) for question in questions]
            return list(stub(channel).ServerReflectionInfo(iter(requests), timeout=10))

        run.messages = messages
        yield run


def _files(answer):
    files = answer.file_descriptor_response.file_descriptor_proto
    return [descriptor_pb2.FileDescriptorProto.FromString(data) for data in files]


def test_check(host, stubs):
    with host.channel() as channel:
        stub = stubs.health_stub(channel)
        for service in ("", ECHO, "grpc.health.v1.Health"):
            assert stub.Check(stubs.health.HealthCheckRequest(service=service)).status == 1
        with pytest.raises(grpc.RpcError) as failure:
            stub.Check(stubs.health.HealthCheckRequest(service="nobody"))
        assert failure.value.code() == grpc.StatusCode.NOT_FOUND


def test_watch_of_an_unknown_service_stays_open(host, stubs):
    with host.channel() as channel:
        watch = stubs.health_stub(channel).Watch(stubs.health.HealthCheckRequest(service="nobody"), timeout=1.5)
        assert next(watch).status == 3
        with pytest.raises(grpc.RpcError) as failure:
            next(watch)
        assert failure.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def test_watch_tells_of_the_drain(folder, stubs):
    with EchoHost(folder / "health-drain") as host, host.channel() as channel:
        watch = stubs.health_stub(channel).Watch(stubs.health.HealthCheckRequest(service=ECHO), timeout=20)
        assert next(watch).status == 1
        host.process.send_signal(signal.SIGTERM)
        assert next(watch).status == 2
        with pytest.raises(grpc.RpcError) as failure:
            next(watch)
        assert failure.value.code() == grpc.StatusCode.UNAVAILABLE


def test_services_are_listed(ask):
    (answer,) = ask({"list_services": ""})
    names = {service.name for service in answer.list_services_response.service}
    assert names == {ECHO, "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                     "grpc.reflection.v1alpha.ServerReflection"}


def test_definitions_come_with_what_they_need(ask):
    by_symbol, by_method, by_name = ask({"file_containing_symbol": ECHO},
                                        {"file_containing_symbol": ECHO + ".EchoChat"},
                                        {"file_by_filename": "google/api/http.proto"})
    files = {file.name: file for file in _files(by_symbol)}
    assert files["echo.proto"].service[0].name == "Echo"
    for file in files.values():
        assert set(file.dependency) <= set(files)
    assert _files(by_method)[0].name == "echo.proto"
    assert [file.name for file in _files(by_name)] == ["google/api/http.proto"]


def test_extensions_are_found(ask):
    options = "google.protobuf.MethodOptions"
    extension = ask.messages.ExtensionRequest(containing_type=options, extension_number=72295728)
    numbers, file = ask({"all_extension_numbers_of_type": options}, {"file_containing_extension": extension})
    assert list(numbers.all_extension_numbers_response.extension_number) == [72295728]
    assert _files(file)[0].name == "google/api/annotations.proto"


def test_what_is_not_there_is_an_answer_and_not_the_end(ask):
    answers = ask({"file_by_filename": "nothing.proto"}, {"file_containing_symbol": "no.Thing"},
                  {"all_extension_numbers_of_type": "no.Thing"}, {"list_services": ""})
    assert [answer.error_response.error_code for answer in answers] == [5, 5, 5, 0]
