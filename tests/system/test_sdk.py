"""A third party's plugin: Atlas is installed, examples/greeter is built against it in a tree of its own, tested
on the test host, checked, run, and called by REST and gRPC."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request

import grpc
import paths
import ports
import process
import pytest
import sdk

PRESET = os.environ.get("ATLAS_PRESET", "dev")
# Of examples/greeter/atlas.cfg.
ADMIN, GRPC, REST = "127.0.0.1:28091", "127.0.0.1:28092", "127.0.0.1:28093"


@pytest.fixture(scope="module")
def prefix(folder):
    home = folder / "sdk"
    home.mkdir()
    return sdk.install(PRESET, home)


@pytest.fixture(scope="module")
def addresses():
    return {address: f"127.0.0.1:{ports.free_port()}" for address in (ADMIN, GRPC, REST)}


@pytest.fixture(scope="module")
def greeter(prefix, addresses):
    """The example's folder, built; its unit test has passed."""
    source = sdk.copy_example("greeter", prefix.parent, addresses)
    assert "100% tests passed" in sdk.build(source, prefix)
    return source


@pytest.fixture(scope="module")
def running(prefix, greeter, addresses):
    """atlas run, as the example's README says."""
    host = process.start("greeter", [prefix / "bin" / "atlas", "run", "-c", "atlas.cfg"], greeter / "log",
                         cwd=greeter, ends_with_us=True)

    def is_ready():
        try:
            with urllib.request.urlopen(f"http://{addresses[ADMIN]}/readyz", timeout=2) as reply:
                return reply.status == 200
        except OSError:
            return False

    try:
        process.wait_ready(host, is_ready, 30)
        yield host
    finally:
        host.stop()


def _get(address, path):
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.fixture(scope="module")
def stubs(prefix, greeter):
    """Stubs of a client, from the example's proto and the installed google/api protos."""
    target = greeter / "stubs"
    target.mkdir()
    sdk.run(["protoc", f"-I{greeter}", f"-I{prefix / 'share/atlas/proto'}", f"--python_out={target}",
             f"--grpc_python_out={target}", "--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin",
             "greeter.proto"])
    sys.path.insert(0, str(target))
    import greeter_pb2
    import greeter_pb2_grpc
    return greeter_pb2, greeter_pb2_grpc


def test_what_is_installed_names_no_build_tree(prefix):
    texts = [file for file in prefix.rglob("*") if file.suffix in (".cmake", ".h", ".c", ".map")]
    assert any(file.name == "AtlasConfig.cmake" for file in texts)
    for file in texts:
        assert str(paths.ROOT) not in file.read_text(), file


def test_installed_program_finds_the_installed_plugins(prefix, tmp_path):
    config = tmp_path / "atlas.cfg"
    config.write_text((prefix / "share/doc/atlas/etc/atlas.cfg").read_text())
    said = sdk.run([prefix / "bin" / "atlas", "check", "-c", config])
    assert "5 plugins" in said


def test_info_and_check_accept_the_plugin(prefix, greeter):
    shown = sdk.run([prefix / "bin" / "atlas", "plugin", "info", "build/plugins/greeter.so"], cwd=greeter)
    for words in ("greeter 1.0.0", "greeting: string", "pause: duration", "rpc GreetEach", "stream"):
        assert words in shown
    assert "is good" in sdk.run([prefix / "bin" / "atlas", "check", "-c", "atlas.cfg"], cwd=greeter)


def test_plugin_answers_by_rest(running, addresses):
    assert _get(addresses[REST], "/greet?name=ada") == (200, {"text": "good morning, ada"})
    status, body = _get(addresses[REST], "/greet")
    assert status == 400 and body["message"] == "name: must not be empty"


def test_plugin_answers_by_grpc(running, addresses, stubs):
    messages, services = stubs
    with grpc.insecure_channel(addresses[GRPC]) as channel:
        client = services.GreeterStub(channel)
        assert client.Greet(messages.GreetRequest(name="ada"), timeout=5).text == "good morning, ada"
        each = client.GreetEach(messages.GreetEachRequest(names=["ada", "bob"]), timeout=5)
        assert [reply.text for reply in each] == ["good morning, ada", "good morning, bob"]
        with pytest.raises(grpc.RpcError) as failure:
            list(client.GreetEach(messages.GreetEachRequest(names=["ada", ""]), timeout=5))
        assert failure.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_headers_are_found_by_pkg_config(prefix, tmp_path):
    """A plugin by the ABI's headers alone, as one without CMake would build it."""
    found = {"PKG_CONFIG_PATH": str(next(prefix.rglob("atlas-abi.pc")).parent), "PATH": os.environ["PATH"]}
    assert sdk.run(["pkg-config", "--modversion", "atlas-abi"], env=found).strip() == "1.0"
    flags = sdk.run(["pkg-config", "--cflags", "atlas-abi"], env=found).split()
    sdk.run(["gcc", "-std=c11", "-shared", "-fPIC", "-fvisibility=hidden", *flags,
             f"-Wl,--version-script={prefix}/share/atlas/sdk/plugin.map", "-o", "bare.so",
             paths.ROOT / "tests/unit/plugins/bare.c"], cwd=tmp_path)
    assert "bare 1.2.3" in sdk.run([prefix / "bin" / "atlas", "plugin", "info", "bare.so"], cwd=tmp_path)


_CPP = {
    "CMakeLists.txt": """cmake_minimum_required(VERSION 3.25)
project(twice LANGUAGES C CXX)
find_package(Atlas 1.0 REQUIRED)
add_compile_options(-Wall -Wextra -Werror)
atlas_add_plugin(twice SOURCES twice.cc PROTOS twice.proto)
""",
    "twice.proto": """syntax = "proto3";
package twice.v1;
service Twice { rpc Say(Text) returns (Text); }
message Text { string text = 1; }
""",
    "twice.cc": """#include "twice.atlas.h"
ATLAS_PLUGIN_MANIFEST("twice", "1.0.0", TWICE_V1_TWICE_SERVICE);
atlas_status_t twice_say(struct atlas_call *call, const Twice__V1__Text *req, Twice__V1__Text *ret_res)
{
    struct atlas_bytes bytes;
    atlas_status_t status = twice__v1__text__encode(call, req, &bytes);
    ret_res->text = atlas_printf(call, "%s%s", req->text, req->text);
    return ret_res->text != nullptr ? status : atlas_no_memory(call);
}
static const atlas_service *const services[] = {&twice_service};
static atlas_plugin make()
{
    atlas_plugin table = {};
    table.size = sizeof table;
    table.services = services;
    table.service_count = ATLAS_COUNT(services);
    return table;
}
static const atlas_plugin plugin = make();
ATLAS_PLUGIN_DEFINE(plugin);
""",
    "atlas.cfg": """run_dir = "run";
plugin_path = [ "build/plugins" ];
processes = ( { name = "main"; loops = 1; plugins = [ "twice" ]; } );
listeners = ( );
plugins = { twice = { }; };
""",
}


def test_plugin_in_cpp(prefix, tmp_path):
    for name, text in _CPP.items():
        (tmp_path / name).write_text(text)
    sdk.build(tmp_path, prefix)
    assert "is good" in sdk.run([prefix / "bin" / "atlas", "check", "-c", "atlas.cfg"], cwd=tmp_path)


_EMBED = paths.ROOT / "abi/sdk/atlas-embed"
# What a line may hold that Python, but neither Lua nor SQL, takes for its end.
_ODD_TEXT = 'return "\x0c \u2028 ?? \\\\ \x85"\n-- no newline behind it'


def test_embedded_text_is_the_file(tmp_path):
    (tmp_path / "odd.lua").write_text(_ODD_TEXT, newline="")
    sdk.run([_EMBED, "scripts", "p", tmp_path / "scripts.h", tmp_path / "odd.lua"])
    (tmp_path / "show.c").write_text('#include <stdio.h>\n#include "scripts.h"\n'
                                     "int main(void) { return fputs(p_odd_script.text, stdout) < 0; }\n")
    sdk.run(["gcc", "-I", paths.ROOT / "abi", "-I", paths.ROOT / "abi/sdk/include", "-o", "show", "show.c"], cwd=tmp_path)
    assert sdk.run(["./show"], cwd=tmp_path) == _ODD_TEXT + "\n"


@pytest.mark.parametrize("names, words", [
    (["move-driver.lua"], "move-driver.lua: name it <what_it_does>.lua"),
    (["a/move.lua", "b/move.lua"], "there is a script move already"),
    (["empty.lua"], "empty.lua: it is empty"),
])
def test_scripts_that_cannot_be_embedded(tmp_path, names, words):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("" if name == "empty.lua" else "return 1\n")
    done = subprocess.run([_EMBED, "scripts", "p", "scripts.h", *names], cwd=tmp_path, text=True, capture_output=True,
                          check=False)
    assert done.returncode != 0 and words in done.stderr


def test_another_major_version_is_not_found(prefix, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(p LANGUAGES C)\nfind_package(Atlas 2.0 REQUIRED)\n")
    done = subprocess.run(["cmake", "-G", "Ninja", "-B", "build", f"-DCMAKE_PREFIX_PATH={prefix}"], cwd=tmp_path,
                          text=True, capture_output=True, check=False)
    assert done.returncode != 0 and "version: 1.0" in done.stderr
