"""What `up` started, kept in run/state.json for `down` and `demo`."""

import contextlib
import fcntl
import json
import os

import paths
from failure import Failure
from process import Process
from say import warn

_FILE = paths.RUN / "state.json"


@contextlib.contextmanager
def changing():
    """Held by who starts or ends processes; a Failure while another tools/dev does."""
    folder = os.open(paths.ensure_run_dir(), os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure("another tools/dev up or down is at work in this folder; wait until it has ended") from None
        yield
    finally:
        os.close(folder)


def save(processes, facts):
    """processes: in the order they were started; facts: anything printable about the stack."""
    document = {"processes": [one.to_dict() for one in processes], **facts}
    staging = _FILE.with_suffix(".part")
    staging.write_text(json.dumps(document, indent=2) + "\n")
    staging.rename(_FILE)  # whole or not at all


def load():
    """(processes, facts), both empty when nothing was started."""
    try:
        document = json.loads(_FILE.read_text())
        processes = [Process(**one) for one in document.pop("processes")]
    except FileNotFoundError:
        return [], {}
    except (ValueError, KeyError, TypeError):
        warn(f"{_FILE} is damaged and left aside; what still runs shows by the ports it has")
        return [], {}
    return processes, document


def alive():
    processes, facts = load()
    return [one for one in processes if one.is_alive()], facts


def forget():
    _FILE.unlink(missing_ok=True)
