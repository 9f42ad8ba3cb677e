"""What a plugin may be: what it links to, and what `atlas check` and `atlas run` refuse, and how."""

import os
import signal
import subprocess

import config
import paths
import plugin_files
import pytest
from wait import wait_until

PRESET = os.environ.get("ATLAS_PRESET", "dev")
# Names that must not appear among the undefined symbols of a plugin.
FOREIGN = ("event_", "evbuffer", "evhttp", "bufferevent", "nghttp2_", "PQ", "redis", "rd_kafka", "config_",
           "atlas_", "socket", "connect", "send", "recv", "pthread_create", "fork")


@pytest.mark.parametrize("plugin", paths.PLUGINS)
def test_plugin_links_only_libc(plugin):
    file = plugin_files.built(plugin, PRESET)
    needed = subprocess.run(["readelf", "-dW", file], text=True, capture_output=True, check=True).stdout
    libraries = {line.split("[")[1].rstrip("]") for line in needed.splitlines() if "(NEEDED)" in line}
    sanitizers = {name for name in libraries if name.startswith(("libasan", "libubsan", "libtsan"))}
    assert libraries - sanitizers <= {"libc.so.6", "libm.so.6"}

    undefined = subprocess.run(["nm", "-D", "--undefined-only", file], text=True, capture_output=True,
                               check=True).stdout
    names = {line.split()[-1].split("@")[0] for line in undefined.splitlines()}
    assert {name for name in names if name.startswith(FOREIGN)} == set()


@pytest.mark.parametrize("plugin", paths.PLUGINS)
def test_plugin_exports_one_symbol(plugin):
    defined = subprocess.run(["nm", "-D", "--defined-only", plugin_files.built(plugin, PRESET)], text=True,
                             capture_output=True, check=True).stdout
    assert [line.split()[-1] for line in defined.splitlines()] == ["atlas_plugin_v1"]


def _atlas(*arguments):
    return subprocess.run([paths.atlas_program(PRESET), *arguments], text=True, capture_output=True,
                          check=False, timeout=60)


@pytest.mark.parametrize("plugin", paths.PLUGINS)
def test_info_shows_the_manifest(plugin):
    shown = _atlas("plugin", "info", str(plugin_files.built(plugin, PRESET)))
    assert shown.returncode == 0, shown.stderr
    for word in (plugin, "1.0", f"atlas.{plugin}.v1"):
        assert word in shown.stdout


def test_check_accepts_what_is_shipped():
    done = _atlas("check", "-c", str(config.CONFIG))
    assert done.returncode == 0, done.stdout + done.stderr


def _refusals(folder):
    """(name, overlay text, words that the refusal must hold)."""
    order = plugin_files.built("order", PRESET)

    def path(file):
        return f'plugins = {{ order = {{ path = "{file}"; }}; }};\n'

    other_abi = plugin_files.patched(order, folder / "abi.so", "\nabi 1.0\n", "\nabi 9.0\n")
    no_interface = plugin_files.patched(order, folder / "interface.so", "requires atlas.postgres/1\n",
                                        "requires atlas.postgrex/1\n")
    return [
        ("other_abi", path(other_abi), ("order", "9.0", "1.0")),
        ("no_symbol", path(plugin_files.without_symbol("order", folder / "symbol.so")),
         ("order", "atlas_plugin_v1")),
        ("no_interface", path(no_interface), ("order", "atlas.postgrex/1")),
        ("cut_file", path(plugin_files.truncated(order, folder / "cut.so")), ("cut.so",)),
        ("no_file", path(folder / "absent.so"), ("order", "absent.so")),
        ("unknown_key", "plugins = { order = { config = { no_such_key = 1; }; }; };\n",
         ("order", "no_such_key")),
        ("unknown_top", "no_such_group = { };\n", ("no_such_group",)),
        ("bad_unit", 'calls = { default_deadline = "5 parsecs"; };\n', ("default_deadline", "parsecs")),
    ]


def test_check_and_run_refuse_with_reason(tmp_path):
    tmp_path.chmod(0o755)
    for name, text, words in _refusals(tmp_path):
        overlay = tmp_path / f"{name}.cfg"
        overlay.write_text(config.overlay(config.Addresses.private(), tmp_path / "run", text))
        for command in (("check",), ("run", "--process", "atlas")):
            done = _atlas(command[0], "-c", str(config.CONFIG), "-c", str(overlay), *command[1:])
            said = done.stdout + done.stderr
            assert done.returncode not in (0, None) and done.returncode > 0, f"{name}: {said}"
            for word in words:
                assert word in said, f"{name} ({command[0]}): no '{word}' in: {said}"


def test_a_server_name_that_does_not_resolve_is_said_and_asked_for_again(tmp_path):
    """As with a server that is away: the host runs, says why it is not ready, and goes on asking."""
    overlay = tmp_path / "name.cfg"
    overlay.write_text(config.overlay(config.Addresses.private(), tmp_path / "run", ""))
    log = tmp_path / "log"
    with log.open("wb") as file, subprocess.Popen(
            [paths.atlas_program(PRESET), "run", "-c", str(config.CONFIG), "-c", str(overlay), "--process", "atlas",
             "-D", "redis.host=no-such-host.invalid", "-D", "postgres.host=no-such-host.invalid"],
            stderr=file) as running:
        try:
            wait_until(lambda: "msg=serving" in log.read_text() and 'msg="redis is away' in log.read_text(),
                       "the host to serve and to say that Redis is away")
        finally:
            running.send_signal(signal.SIGTERM)
            assert running.wait(timeout=30) == 0, log.read_text()
    assert 'reason="no-such-host.invalid: ' in log.read_text()


def test_check_names_everything_that_is_wrong(tmp_path):
    overlay = tmp_path / "two.cfg"
    overlay.write_text('first_wrong = 1;\nsecond_wrong = 2;\n')
    done = _atlas("check", "-c", str(config.CONFIG), "-c", str(overlay))
    said = done.stdout + done.stderr
    assert "first_wrong" in said and "second_wrong" in said
