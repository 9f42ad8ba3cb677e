"""Progress, one line per step, with the time since the command began."""

import contextlib
import sys
import time

_began = time.monotonic()


def line(text):
    print(f"[{time.monotonic() - _began:6.1f}s] {text}", flush=True)


@contextlib.contextmanager
def step(text):
    """Says what begins and how long it took."""
    began = time.monotonic()
    print(f"[{began - _began:6.1f}s] {text} ...", end="", flush=True)
    try:
        yield
    except BaseException:
        print(" failed", flush=True)
        raise
    print(f" {time.monotonic() - began:.1f} s", flush=True)


def warn(text):
    print(f"tools/dev: {text}", file=sys.stderr, flush=True)
