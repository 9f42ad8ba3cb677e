"""Waiting on conditions with a deadline, never for a fixed time."""

import time

from failure import Failure


def wait_until(condition, what, timeout_s=30.0, pause_s=0.02):
    """Returns the first true value of condition(); a Failure naming `what` after timeout_s."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise Failure(f"waited {timeout_s:g} s for {what}")
        time.sleep(pause_s)
