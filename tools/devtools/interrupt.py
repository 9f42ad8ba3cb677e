"""Ctrl-C, SIGTERM and SIGHUP end a command the same way: by KeyboardInterrupt, so that it cleans up."""

import contextlib
import signal

_is_held = False
_is_interrupted = False


def install():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)


def _interrupt(number, frame):
    global _is_interrupted
    _is_interrupted = True
    if not _is_held:
        raise KeyboardInterrupt


@contextlib.contextmanager
def held():
    """Holds an interrupt back for the length of a with statement: what has to happen whole."""
    global _is_held
    _is_held = True
    try:
        yield
    finally:
        _is_held = False
    check()


def check():
    """Raises what was held back, or what came in Python's own hooks around a fork, where it prints an
    exception and goes on."""
    if _is_interrupted:
        raise KeyboardInterrupt
