"""tools/dev down: ends what `up` started, and only that."""

import state
from failure import reported
from say import step, warn


def stop_all(processes):
    """In reverse order of their start, each by pid and start time."""
    for one in reversed(processes):
        if not one.is_alive():
            continue
        with step(f"stopping {one.name} (pid {one.pid})"):
            ended_by_itself = one.stop()
        if not ended_by_itself:
            warn(f"{one.name} did not end when asked and was killed; its log is {one.log}")


@reported
def main(arguments):
    if arguments:
        print("usage: tools/dev down")
        return 2
    with state.changing():
        processes, _ = state.load()
        if not any(one.is_alive() for one in processes):
            print("nothing is up")
        stop_all(processes)
        state.forget()
    return 0
