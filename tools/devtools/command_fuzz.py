"""tools/dev fuzz: libFuzzer over the readers of what comes from outside (tests/fuzz/)."""

import os
import subprocess

import build
import paths
from failure import Failure, reported
from say import line, step

_FUZZ = paths.ROOT / "tests" / "fuzz"
_PRESET = "fuzz"
_ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=0",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}


def _run(name, seconds, grown, findings):
    """True if nothing was found. New inputs stay in the build folder, findings beside them."""
    grown.mkdir(parents=True, exist_ok=True)
    findings.mkdir(parents=True, exist_ok=True)
    program = paths.build_dir(_PRESET) / "tests" / "fuzz" / name
    log = findings / f"{name}.log"
    with open(log, "wb") as out:
        done = subprocess.run(
            [program, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-max_len=16384",
             "-print_final_stats=1", f"-artifact_prefix={findings}/{name}-", grown, _FUZZ / "corpus" / name],
            env={**os.environ, **_ENVIRONMENT}, stdout=out, stderr=out, check=False)
    text = log.read_text(errors="replace").splitlines()
    runs = next((words.split()[-1] for words in text if "number_of_executed_units" in words), "?")
    line(f"{name}: {runs} inputs" + ("" if done.returncode == 0 else f", and one breaks it: see {log}"))
    return done.returncode == 0


@reported
def main(arguments):
    seconds = int(arguments[0]) if arguments and arguments[0].isdigit() else 30
    asked = [word for word in arguments if not word.isdigit()]
    names = sorted(path.stem for path in _FUZZ.glob("fuzz_*.c"))
    unknown = [name for name in asked if name not in names]
    if unknown:
        raise Failure(f"no fuzzer {', '.join(unknown)}; there are: {' '.join(names)}")
    with step(f"building {_PRESET}"):
        build.build(_PRESET, asked or names)
    folder = paths.build_dir(_PRESET)
    broken = [name for name in asked or names
              if not _run(name, seconds, folder / "corpus" / name, folder / "findings")]
    return 1 if broken else 0
