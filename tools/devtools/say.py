"""Progress, one line per step, with the time since the command began.

Who listens may leave, a terminal that is closed or `| head`: what is under way, a clean-up above all, goes on
without words.
"""

import contextlib
import os
import sys
import time

_began = time.monotonic()


def say(text, end="\n", out=None):
    out = out or sys.stdout
    try:
        print(text, end=end, file=out, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())


def line(text):
    say(f"[{time.monotonic() - _began:6.1f}s] {text}")


@contextlib.contextmanager
def step(text):
    """Says what begins and how long it took."""
    began = time.monotonic()
    say(f"[{began - _began:6.1f}s] {text} ...", end="")
    try:
        yield
    except BaseException:
        say(" failed")
        raise
    say(f" {time.monotonic() - began:.1f} s")


def warn(text):
    say(f"tools/dev: {text}", out=sys.stderr)
