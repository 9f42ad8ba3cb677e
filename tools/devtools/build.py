"""Configuring and building a preset with CMake."""

import subprocess

import paths
from failure import Failure


def _run(argv, log, what):
    with open(log, "ab") as out:
        done = subprocess.run(argv, cwd=paths.ROOT, stdout=out, stderr=out, check=False)
    if done.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-40:])
        raise Failure(f"{what} failed ({log}):\n{tail}")


def configure(preset):
    folder = paths.build_dir(preset)
    folder.mkdir(parents=True, exist_ok=True)
    _run(["cmake", "--preset", preset], folder / "dev.log", f"configuring {preset}")


def build(preset, targets=(), niceness=0):
    """Configures when needed and builds; the output goes to build/PRESET/dev.log."""
    folder = paths.build_dir(preset)
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "dev.log"
    log.unlink(missing_ok=True)
    if not (folder / "build.ninja").exists():
        configure(preset)
    argv = ["nice", "-n", str(niceness), "cmake", "--build", "--preset", preset]
    _run(argv + (["--target", *targets] if targets else []), log, f"building {preset}")
