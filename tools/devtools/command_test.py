"""tools/dev test: builds and runs every test, or the suites that are named."""

import os
import subprocess
import sys

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


def _run(argv, env=None):
    sys.stdout.flush()
    return subprocess.run(argv, cwd=paths.ROOT, env={**os.environ, **(env or {})},
                          check=False).returncode


def _lint(results):
    for script in sorted((paths.ROOT / "tests" / "lint").iterdir()):
        if script.suffix in (".py", ".sh"):
            line(f"lint: {script.stem}")
            results.add(f"lint: {script.stem}", _run([str(script)]) == 0)


def _ctest(results, suite, preset, label, env=None):
    _build(preset)
    report = paths.build_dir(preset) / f"{suite}.xml"
    report.unlink(missing_ok=True)
    line(f"{suite}: ctest -L {label} in {preset}")
    _run(["ctest", "--test-dir", str(paths.build_dir(preset)), "-L", label, "--output-on-failure",
          "-j", str(os.cpu_count()), "--output-junit", str(report)], env)
    results.add_junit(suite, report)


def _pytest(results, suite, preset, env=None, arguments=()):
    folder = paths.ROOT / "tests" / "system"
    if not folder.is_dir():
        return
    _build(preset)
    report = paths.build_dir(preset) / f"{suite}.xml"
    report.unlink(missing_ok=True)
    line(f"{suite}: pytest in {preset}")
    _run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=8",
          f"--junit-xml={report}", *arguments, str(folder)],
         {**(env or {}), "ATLAS_PRESET": preset, "PYTHONDONTWRITEBYTECODE": "1"})
    results.add_junit(suite, report)


def _build(preset):
    with step(f"building {preset}"):
        build.build(preset)


# Name -> what it runs; in the order of a whole run, quick ones first.
SUITES = {
    "lint": _lint,
    "unit": lambda results: _ctest(results, "unit", "dev", "unit|plugin"),
    "system": lambda results: _pytest(results, "system", "dev"),
    "unit-asan": lambda results: _ctest(results, "unit-asan", "asan", "unit|plugin", _ASAN),
    "system-asan": lambda results: _pytest(results, "system-asan", "asan", _ASAN),
    "unit-tsan": lambda results: _ctest(results, "unit-tsan", "tsan", "unit", _TSAN),
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
    for name in arguments or SUITES:
        try:
            SUITES[name](results)
        except Failure as failure:
            print(failure)
            results.add(f"{name}: {str(failure).splitlines()[0]}", False)
    results.print_summary()
    return 1 if results.failed else 0
