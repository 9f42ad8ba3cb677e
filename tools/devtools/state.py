"""What `up` started, kept in run/state.json for `down` and `demo`."""

import json

import paths
from process import Process

_FILE = paths.RUN / "state.json"


def save(processes, facts):
    """processes: in the order they were started; facts: anything printable about the stack."""
    document = {"processes": [one.to_dict() for one in processes], **facts}
    _FILE.write_text(json.dumps(document, indent=2) + "\n")


def load():
    """(processes, facts), both empty when nothing was started."""
    try:
        document = json.loads(_FILE.read_text())
    except FileNotFoundError:
        return [], {}
    processes = [Process(**one) for one in document.pop("processes")]
    return processes, document


def alive():
    processes, facts = load()
    return [one for one in processes if one.is_alive()], facts


def forget():
    _FILE.unlink(missing_ok=True)
