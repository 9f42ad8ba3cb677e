"""tools/dev as a newcomer uses it: up, the ride that it prints, up again, down."""

import os
import pty
import pwd
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import config
import paths
import port_holder
import ports
import process
import pytest
import state
from command_up import who_has
from failure import Failure
from own_network import OwnNetwork
from wait import wait_until

_DEV = paths.ROOT / "tools" / "dev"
_REDIS = config.Addresses.well_known().redis


class Newcomer:
    """Somebody at a machine on which every port is free."""

    def __init__(self, network):
        self._network = network

    def run(self, *argv, **options):
        return subprocess.run([*self._network.prefix, *argv], text=True, capture_output=True, check=False,
                              timeout=300, **options)

    def dev(self, *arguments):
        return self.run(_DEV, *arguments)

    def interrupt_dev(self, *arguments, after):
        """Ctrl-C when the command has printed that much. Returns all output and the exit status."""
        with subprocess.Popen([*self._network.prefix, _DEV, *arguments], text=True, start_new_session=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as command:
            output = ""
            while after not in output and (character := command.stdout.read(1)):
                output += character
            os.killpg(command.pid, signal.SIGINT)
            output += command.stdout.read()
        return output, command.returncode

    def hang_up_dev(self, *arguments, after):
        """The terminal that it runs in is closed when it has printed that much, which is returned."""
        terminal, its_end = pty.openpty()
        with subprocess.Popen([*self._network.prefix, "setsid", "--ctty", "--wait", _DEV, *arguments], stdin=its_end,
                              stdout=its_end, stderr=its_end) as command:
            os.close(its_end)
            output = b""
            while after.encode() not in output:
                output += os.read(terminal, 100)
            os.close(terminal)
            command.wait(timeout=60)
        return output.decode()

    @contextmanager
    def holding(self, port):
        """Another program listens on the port meanwhile."""
        listen = f"import socket, sys; s = socket.create_server(('127.0.0.1', {port})); print(flush=True)"
        with subprocess.Popen([*self._network.prefix, sys.executable, "-c", f"{listen}; sys.stdin.read()"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
            program.stdout.readline()
            yield
            program.stdin.close()


@pytest.fixture
def newcomer():
    if os.environ.get("ATLAS_PRESET", "dev") != "dev":
        pytest.skip("up runs the dev build")
    if state.alive()[0]:
        pytest.skip("tools/dev up is up in this folder; 'tools/dev down' ends it")
    with OwnNetwork() as network:
        if not network.is_own:
            taken = {port: who_has(port)
                     for port in config.Addresses.well_known().named(config.ONE_PROCESS).values()
                     if not ports.is_free(port)}
            assert not taken, f"ports that up needs are taken: {taken}"
        yield Newcomer(network)


@pytest.mark.parametrize("options", [(), ("--split", "--kafka")], ids=["plain", "split_kafka"])
def test_up_ride_down(newcomer, servers, options):
    """servers: what Apache Kafka needs has been fetched by then, as the newcomer's network reaches nobody."""
    up = newcomer.dev("up", *options)
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        ride = up.stdout.split("paste it into a shell):\n", 1)[1].rsplit("\ntools/dev demo", 1)[0]
        ridden = newcomer.run("bash", "-euo", "pipefail", input=ride)
        assert ridden.returncode == 0, ridden.stdout + ridden.stderr
        assert '"status":"FINISHED"' in ridden.stdout

        again = newcomer.dev("up")
        assert again.returncode == 1 and "already up" in again.stderr
        started, _ = state.load()
        assert len([one for one in started if one.name.startswith("atlas")]) == (5 if options else 1)
        assert [one.name for one in started if one.name in ("kafka", "dev-broker")] == ["kafka" if options else "dev-broker"]
    finally:
        down = newcomer.dev("down")
    assert down.returncode == 0, down.stdout + down.stderr
    assert not any(one.is_alive() for one in started)
    assert "nothing is up" in newcomer.dev("down").stdout


def test_up_names_who_has_a_port(newcomer):
    with newcomer.holding(_REDIS):
        up = newcomer.dev("up")
    assert up.returncode == 1 and f"{_REDIS} (Redis): python3" in up.stderr


def test_interrupted_up_leaves_nothing_behind(newcomer):
    output, status = newcomer.interrupt_dev("up", after="starting Atlas")
    assert status == 130 and "stopping postgres" in output, output
    assert state.load()[0] == []
    assert "nothing is up" in newcomer.dev("down").stdout


def test_up_whose_terminal_is_closed_leaves_nothing_behind(newcomer):
    output = newcomer.hang_up_dev("up", after="starting Atlas")
    assert "nothing is up" in newcomer.dev("down").stdout, output


def test_up_goes_on_without_a_reader(newcomer):
    try:
        up = newcomer.run("bash", "-c", f"set -o pipefail; {_DEV} up | head -n 1")
        assert up.returncode == 0 and up.stderr == "", up.stderr
        assert state.load()[1]["is_up"]
    finally:
        newcomer.dev("down")


def test_up_goes_on_where_the_host_was_killed(newcomer):
    try:
        assert newcomer.dev("up").returncode == 0
        host = state.load()[0][-1]
        host.kill()
        up = newcomer.dev("up")
        assert up.returncode == 0 and f"{host.name} has ended without the rest" in up.stdout, up.stderr
    finally:
        newcomer.dev("down")


def test_damaged_state_is_no_obstacle(newcomer):
    (paths.ensure_run_dir() / "state.json").write_text('{"processes": [')
    down = newcomer.dev("down")
    assert down.returncode == 0 and "is damaged" in down.stderr and "nothing is up" in down.stdout
    assert not (paths.RUN / "state.json").exists()


def test_end_of_a_log_is_of_this_start(tmp_path):
    log = tmp_path / "log"
    for word in ("first", "second"):
        started = process.start("echo", ["echo", word], log)
        wait_until(lambda: not started.is_alive(), "echo to end")
    assert log.read_text() == "first\nsecond\n"
    assert started.log_tail() == "second"


def test_run_folder_that_was_a_link_to_nowhere_is_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "RUN", tmp_path / "run")
    paths.RUN.symlink_to(tmp_path / "gone")
    assert paths.ensure_run_dir().is_dir()


def test_what_another_user_made_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "RUN", tmp_path / "run")
    (tmp_path / "build" / "dev").mkdir(parents=True)
    paths.refuse_what_others_made()
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    with pytest.raises(Failure, match=f"sudo chown -R nobody {tmp_path}/build"):
        paths.refuse_what_others_made()


def _copy_of_tools(folder):
    """tools/dev without what it hands over to, which the caller writes to devtools/main.py."""
    tools = folder / "tools"
    (tools / "devtools").mkdir(parents=True)
    for name in ("dev", "packages.txt"):
        shutil.copy(paths.ROOT / "tools" / name, tools)
    return tools


@pytest.mark.parametrize("arguments, is_missed", [(["test", "--list"], False), (["up", "--help"], False),
                                                  (["test", "lint"], True), (["up", "--split"], True)])
def test_packages_are_for_what_is_done(tmp_path, arguments, is_missed):
    tools = _copy_of_tools(tmp_path)
    (tools / "packages.txt").write_text("up no-such-package\n")
    (tools / "devtools" / "main.py").write_text("print('handed over')\n")
    (tmp_path / "apt-get").write_text("#!/bin/sh\nexit 100\n")
    (tmp_path / "sudo").write_text("#!/bin/sh\nexit 100\n")
    for program in ("apt-get", "sudo"):
        (tmp_path / program).chmod(0o755)
    done = subprocess.run([tools / "dev", *arguments], env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
                          text=True, capture_output=True, check=False)
    assert ("installing: no-such-package" in done.stdout) == is_missed, done.stdout + done.stderr
    assert ("handed over" in done.stdout) != is_missed


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be what sudo makes of a user")
@pytest.mark.parametrize("command, runs_as", [("demo", "nobody"), ("down", "root")])
def test_sudo_is_for_packages_only(folder, command, runs_as):
    """In a clone that belongs to the caller, everything but `down` goes on as the caller."""
    caller = pwd.getpwnam("nobody")
    tools = _copy_of_tools(folder / f"sudo-{command}")
    (tools / "devtools" / "main.py").write_text("import getpass, os\n"
                                                "print(os.geteuid(), getpass.getuser(), os.environ['HOME'])\n")
    shutil.chown(tools, caller.pw_uid, caller.pw_gid)
    sudo = {"SUDO_UID": str(caller.pw_uid), "SUDO_GID": str(caller.pw_gid), "SUDO_USER": "nobody"}
    said = subprocess.run([tools / "dev", command], env={**os.environ, **sudo, "LOGNAME": "root"}, text=True,
                          capture_output=True, check=True).stdout.split()
    expected = pwd.getpwnam(runs_as)
    assert said[0] == str(expected.pw_uid) and said[1] == runs_as
    assert runs_as == "root" or said[2] == expected.pw_dir


def test_process_lives_until_its_last_thread_has_ended(tmp_path):
    """One that was killed holds its locks and ports until then, though its first thread is gone already."""
    leave = 60 if os.uname().machine == "x86_64" else 93  # the system call exit, of one thread only
    code = ("import ctypes, sys, threading; threading.Thread(target=sys.stdin.read).start(); "
            f"print('ready', flush=True); ctypes.CDLL(None).syscall({leave}, 0)")
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"ready\n"
        stat = Path(f"/proc/{child.pid}/stat")
        one = process.Process("one", child.pid, stat.read_text().split()[21], str(tmp_path / "log"))
        wait_until(lambda: stat.read_text().split()[2] == "Z", "the first thread to end")
        assert one.is_alive()
        child.kill()
        wait_until(lambda: not one.is_alive(), "the process to end")
        child.returncode = 0  # reaped by is_alive


def test_holder_of_a_port_is_a_listener_or_an_outgoing_connection():
    with socket.create_server(("127.0.0.1", ports.free_port())) as server:
        port = server.getsockname()[1]
        assert port_holder.find(port).peer == "" and f"(pid {os.getpid()})" in who_has(port)
        with socket.create_connection(("127.0.0.1", port)) as connection:
            outgoing = connection.getsockname()[1]
            assert not ports.is_free(outgoing)
            assert port_holder.find(outgoing).peer == f"127.0.0.1:{port}"
            assert "net.ipv4.ip_local_reserved_ports" in who_has(outgoing)
    assert port_holder.find(port) is None


def test_port_of_a_connection_that_has_ended_is_kept_by_the_kernel():
    with socket.create_server(("127.0.0.1", ports.free_port())) as server:
        connection = socket.create_connection(server.getsockname())
        outgoing = connection.getsockname()[1]
        accepted, _ = server.accept()
        connection.close()
        assert accepted.recv(1) == b""
        accepted.close()
        wait_until(lambda: port_holder.find(outgoing).has_ended, "the connection to end")
    assert not ports.is_free(outgoing)
    assert "has ended" in who_has(outgoing) and "wait that long" in who_has(outgoing)
