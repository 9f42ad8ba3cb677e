"""Fixtures: servers for the whole session, one deployment as one process and one as five."""

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT / "tools" / "devtools"), str(_ROOT / "tests" / "support")]

import config  # noqa: E402
import stubs  # noqa: E402
from deployment import Deployment  # noqa: E402
from stack import Servers  # noqa: E402

PRESET = os.environ.get("ATLAS_PRESET", "dev")


def pytest_configure():
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # fixtures clean up


@pytest.fixture(scope="session")
def folder():
    """A folder for the session; removed at its end unless ATLAS_KEEP is set."""
    path = Path(tempfile.mkdtemp(prefix="atlas-test-"))
    path.chmod(0o755)
    yield path
    if os.environ.get("ATLAS_KEEP"):
        print(f"\nkept {path}")
    else:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def generated_stubs(folder):
    target = folder / "stubs"
    target.mkdir()
    stubs.generate(target)


@pytest.fixture(scope="session")
def servers(folder):
    """PostgreSQL, Redis and Apache Kafka, shared by all tests."""
    running = Servers(folder, config.Addresses.private(), real_kafka=True, ends_with_us=True)
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session", params=["one", "five"])
def atlas(request, folder, servers):
    """All five services in one process, then the same tests with a process for each."""
    home = folder / request.param
    home.mkdir()
    deployment = Deployment(home, servers, split=request.param == "five", preset=PRESET)
    try:
        deployment.start()
        yield deployment
    finally:
        deployment.stop()


@pytest.fixture(autouse=True)
def everything_is_up(request):
    """A test that failed in the middle of a fault must not fail the next one too."""
    if "atlas" in request.fixturenames:
        request.getfixturevalue("atlas").revive()


@pytest.fixture
def rest(atlas):
    client = atlas.rest()
    yield client
    client.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of the hosts' logs."""
    report = (yield).get_result()
    atlas = item.funcargs.get("atlas") if hasattr(item, "funcargs") else None
    if report.failed and atlas:
        for host in atlas.hosts.all:
            if host.process:
                report.sections.append((f"log of {host.name}", host.process.log_tail(30)))
