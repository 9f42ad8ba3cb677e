"""tools/dev test: builds and runs every test, or the suites that are named."""

import os
import subprocess
import sys
import threading

import build
import paths
from failure import Failure, reported
from results import Results
from say import line, step

_ASAN = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=0:abort_on_error=0:halt_on_error=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "LSAN_OPTIONS": f"suppressions={paths.ROOT / 'tests' / 'support' / 'lsan.supp'}",
}
_TSAN = {"TSAN_OPTIONS": f"halt_on_error=1:suppressions={paths.ROOT / 'tests' / 'support' / 'tsan.supp'}"}


def _run(argv, env=None, output=None):
    """output: a file in place of the terminal."""
    sys.stdout.flush()
    return subprocess.run(argv, cwd=paths.ROOT, env={**os.environ, **(env or {})}, stdout=output, stderr=output,
                          check=False).returncode


# Of the scripts in tests/lint, the one that needs the build.
_TIDY = paths.ROOT / "tests" / "lint" / "tidy.sh"


def _lint(results):
    for script in sorted((paths.ROOT / "tests" / "lint").iterdir()):
        if script.suffix in (".py", ".sh") and script != _TIDY:
            line(f"lint: {script.stem}")
            results.add(f"lint: {script.stem}", _run([str(script)]) == 0)


def _tidy(results, builds):
    builds.wait("dev")
    line("tidy: clang-tidy")
    results.add("tidy", _run([str(_TIDY)]) == 0)


def _ctest(results, builds, suite, preset, label, env=None):
    builds.wait(preset)
    report = paths.build_dir(preset) / f"{suite}.xml"
    report.unlink(missing_ok=True)
    line(f"{suite}: ctest -L {label} in {preset}")
    _run(["ctest", "--test-dir", str(paths.build_dir(preset)), "-L", label, "--output-on-failure",
          "-j", str(os.cpu_count()), "--output-junit", str(report)], env)
    results.add_junit(suite, report)


def _pytest(results, builds, suite, preset, env=None, output=None):
    builds.wait(preset)
    report = paths.build_dir(preset) / f"{suite}.xml"
    report.unlink(missing_ok=True)
    line(f"{suite}: pytest in {preset}" + (f", beside what follows; it writes to {output.name}" if output else ""))
    _run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=8",
          f"--junit-xml={report}", str(paths.ROOT / "tests" / "system")],
         {**(env or {}), "ATLAS_PRESET": preset, "PYTHONDONTWRITEBYTECODE": "1"}, output)
    results.add_junit(suite, report)


class _Beside(threading.Thread):
    """The system suite while others run: it waits more than it computes. Its output comes when it is joined."""

    def __init__(self, results, builds):
        super().__init__(daemon=True)
        self._to = (results, builds)
        self._log = paths.build_dir("dev") / "system.log"

    def run(self):
        with open(self._log, "w") as output:
            _pytest(*self._to, "system", "dev", output=output)

    def join(self, timeout=None):
        super().join(timeout)
        line("system: what it wrote")
        print(self._log.read_text(errors="replace"))


class _Builds(threading.Thread):
    """Builds the presets one after the other, beside the tests of those before: tests wait for time to pass
    more than they compute, and give way to nobody, as the build is niced."""

    def __init__(self, presets):
        super().__init__(daemon=True)
        self._ended = {preset: threading.Event() for preset in presets}
        self._failures = {}

    def run(self):
        for preset, ended in self._ended.items():
            try:
                build.build(preset, niceness=19)
            except Exception as failure:
                self._failures[preset] = failure
            ended.set()

    def wait(self, preset):
        if not self._ended[preset].is_set():
            with step(f"building {preset}"):
                self._ended[preset].wait()
        if preset in self._failures:
            raise self._failures[preset]


# Name -> the preset that it needs, and what it runs; in the order of a whole run, quick ones first.
SUITES = {
    "lint": (None, lambda results, _builds: _lint(results)),
    "tidy": ("dev", _tidy),
    "unit": ("dev", lambda *to: _ctest(*to, "unit", "dev", "unit|plugin")),
    "system": ("dev", lambda *to: _pytest(*to, "system", "dev")),
    "unit-asan": ("asan", lambda *to: _ctest(*to, "unit-asan", "asan", "unit|plugin", _ASAN)),
    "system-asan": ("asan", lambda *to: _pytest(*to, "system-asan", "asan", _ASAN)),
    "unit-tsan": ("tsan", lambda *to: _ctest(*to, "unit-tsan", "tsan", "unit", _TSAN)),
}


@reported
def main(arguments):
    if arguments == ["--list"]:
        print("\n".join(SUITES))
        return 0
    unknown = [name for name in arguments if name not in SUITES]
    if unknown:
        raise Failure(f"no suite {', '.join(unknown)}; there are: {' '.join(SUITES)}")
    paths.refuse_what_others_made()
    results = Results()
    names = arguments or list(SUITES)
    builds = _Builds(dict.fromkeys(SUITES[name][0] for name in names if SUITES[name][0]))
    builds.start()
    beside = _Beside(results, builds) if "system" in names and names[-1] != "system" else None
    for name in names:
        try:
            if name == "system" and beside:
                builds.wait("dev")
                beside.start()
            else:
                SUITES[name][1](results, builds)
        except Failure as failure:
            print(failure)
            results.add(f"{name}: {str(failure).splitlines()[0]}", False)
    if beside and beside.ident:
        beside.join()
    results.print_summary()
    return 1 if results.failed else 0
