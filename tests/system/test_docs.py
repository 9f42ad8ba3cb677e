"""Every command and program in the documents that is marked to be run, run against a deployment."""

import os
import subprocess

import config
import documents
import paths
import ports
import pytest
import sdk

_PRESET = os.environ.get("ATLAS_PRESET", "dev")
_GUIDE = paths.ROOT / "docs" / "plugin-authors.md"  # needs no servers: run by tests of its own below
_DOCUMENTS = [paths.ROOT / "README.md",
              *(file for file in sorted((paths.ROOT / "docs").glob("*.md")) if file != _GUIDE)]
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


# --- The authors' guide: no servers, but a home of its own ---

@pytest.fixture(scope="module")
def guide():
    return documents.samples(_GUIDE, paths.ROOT)


def test_files_of_the_authors_guide_are_the_example(guide):
    shown = {sample.argument: sample.text for sample in guide if sample.argument}
    assert set(shown) == {"greeter.proto", "greeter.c", "CMakeLists.txt", "atlas.cfg"}
    for name, text in shown.items():
        assert text == (paths.ROOT / "examples" / "greeter" / name).read_text(), name


def test_commands_of_the_authors_guide_run(guide, tmp_path):
    """As printed, one after the other; ~ is a fresh folder, ports are free ones."""
    example = tmp_path / "examples"
    free = {f"127.0.0.1:{port}": f"127.0.0.1:{ports.free_port()}" for port in (28091, 28092, 28093)}
    sdk.copy_example("greeter", example, free)
    script = "\n".join(f"cd {paths.ROOT}\n{sample.text}" for sample in guide if sample.language == "sh")
    for old, new in {**free, "examples/greeter": f"{example}/greeter", "build/dev": f"build/{_PRESET}"}.items():
        script = script.replace(old, new)
    done = subprocess.run(_COMMANDS["sh"], input=script, text=True, capture_output=True, check=False,
                          env={**os.environ, "HOME": str(tmp_path)}, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '{"text":"good morning, ada"}' in done.stdout
