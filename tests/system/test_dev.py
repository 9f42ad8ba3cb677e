"""tools/dev as a newcomer uses it: up, the ride that it prints, up again, down."""

import os
import subprocess

import config
import paths
import ports
import pytest
import state

_DEV = paths.ROOT / "tools" / "dev"


def _dev(*arguments):
    return subprocess.run([_DEV, *arguments], text=True, capture_output=True, check=False, timeout=300)


@pytest.fixture
def free_ports():
    if os.environ.get("ATLAS_PRESET", "dev") != "dev":
        pytest.skip("up runs the dev build")
    taken = [port for port in config.Addresses.well_known().named(("atlas",)).values()
             if not ports.is_free(port)]
    if taken or state.alive()[0]:
        pytest.skip(f"something is up already, on ports {taken}")


def test_up_ride_down(free_ports):
    up = _dev("up")
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        ride = up.stdout.split("paste it into a shell):\n", 1)[1].rsplit("\ntools/dev demo", 1)[0]
        ridden = subprocess.run(["bash", "-euo", "pipefail"], input=ride, text=True, capture_output=True,
                                check=False, timeout=60)
        assert ridden.returncode == 0, ridden.stdout + ridden.stderr
        assert '"status":"FINISHED"' in ridden.stdout

        again = _dev("up")
        assert again.returncode == 1 and "already up" in again.stderr
        started, _ = state.load()
    finally:
        down = _dev("down")
    assert down.returncode == 0, down.stdout + down.stderr
    assert not any(one.is_alive() for one in started)
    assert "nothing is up" in _dev("down").stdout


def test_up_names_the_port_that_is_taken(free_ports):
    import socket
    port = config.Addresses.well_known().redis
    with socket.create_server(("127.0.0.1", port)):
        up = _dev("up")
    assert up.returncode == 1 and f"{port} (Redis)" in up.stderr
