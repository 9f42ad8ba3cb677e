"""Every command and program in the documents that is marked to be run, run against a deployment."""

import subprocess

import config
import documents
import paths
import ports
import pytest
from host import Host
from rest import Rest

_DOCUMENTS = [paths.ROOT / "README.md", *sorted((paths.ROOT / "docs").glob("*.md"))]
_COMMANDS = {"sh": ["bash", "-euo", "pipefail"], "python": ["/usr/bin/python3"]}


def _all():
    return [sample for file in _DOCUMENTS for sample in documents.samples(file, paths.ROOT)
            if sample.language in _COMMANDS]


def _for(atlas, text):
    """The text with the deployment's ports and build folder in place of those of `tools/dev up`."""
    known = config.Addresses.well_known()
    for name, port in known.listeners.items():
        text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{atlas.addresses.listeners[name]}")
    text = text.replace(f"127.0.0.1:{known.admin['atlas']}", f"127.0.0.1:{atlas.hosts.all[0].admin_port}")
    return text.replace("build/dev/", f"build/{atlas.preset}/")


@pytest.mark.parametrize("sample", _all(), ids=str)
def test_sample_runs(atlas, sample):
    done = subprocess.run(_COMMANDS[sample.language], input=_for(atlas, sample.text), text=True,
                          capture_output=True, check=False, cwd=paths.ROOT, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ride_of_the_readme_is_the_one_that_up_prints():
    printed = (paths.ROOT / "tools" / "ride.sh").read_text().split("\n\n", 1)[1].strip()
    shown = [sample.text.strip() for sample in documents.samples(paths.ROOT / "README.md", paths.ROOT)]
    assert printed in shown


def test_demo_finishes_rides(atlas):
    done = subprocess.run([paths.ROOT / "tools" / "dev", "demo", "--seconds", "12", "--drivers", "20",
                           "--riders", "6", "--rest", str(atlas.addresses.listeners["gateway"])],
                          text=True, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "errors 0" in done.stdout, done.stdout


def _write_example(folder):
    for sample in documents.samples(paths.ROOT / "docs" / "plugin-authors.md", paths.ROOT):
        if sample.argument:
            file = folder / sample.argument
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(sample.text)


def test_plugin_of_the_authors_guide(tmp_path):
    """The guide's plugin is built outside this tree, loaded and asked, as its text says."""
    _write_example(tmp_path)
    for argv in (["cmake", "-G", "Ninja", "-B", "build", f"-DATLAS_SDK={paths.ROOT}/abi/sdk"], ["cmake", "--build", "build"]):
        subprocess.run(argv, cwd=tmp_path, check=True, capture_output=True, text=True)
    shown = subprocess.run([paths.atlas_program(), "plugin", "info", "build/plugins/greeter.so"], cwd=tmp_path,
                           check=True, capture_output=True, text=True)
    assert "greeter" in shown.stdout and "greeting" in shown.stdout

    listeners, admin = {"grpc": ports.free_port(), "rest": ports.free_port()}, {"main": ports.free_port()}
    overlay = tmp_path / "ports.cfg"
    overlay.write_text(config.overlay_addresses(listeners, admin, tmp_path / "run"))
    host = Host(tmp_path, [tmp_path / "greeter.cfg", overlay], "main", admin["main"], ends_with_us=True)
    host.start()
    try:
        host.wait_ready()
        assert Rest(listeners["rest"]).get("/greet?name=ada").json == {"text": "good morning, ada"}
    finally:
        host.process.stop()
