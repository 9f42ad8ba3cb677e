"""Processes that Atlas' tools start: each in a session of its own, known by pid and start time, so that
stopping one can never hit a stranger that got its pid later."""

import ctypes
import os
import signal
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from failure import Failure
from wait import wait_until

_PR_SET_PDEATHSIG = 1


def _stat_fields(pid):
    """Fields of /proc/PID/stat after the command name, or None. [0] is the state, [19] the start."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None


@dataclass
class Process:
    name: str
    pid: int
    started: str  # start time in clock ticks since boot, as in /proc/PID/stat
    log: str
    stop_signal: int = signal.SIGTERM
    log_start: int = 0  # where in the log its own output begins

    def is_alive(self):
        fields = _stat_fields(self.pid)
        if fields and fields[0] == "Z":
            try:  # until its last thread has ended there is nothing to reap, and its files are not closed
                return os.waitpid(self.pid, os.WNOHANG)[0] == 0
            except ChildProcessError:
                return False
        return fields is not None and fields[19] == self.started

    def send(self, number):
        if not self.is_alive():
            return
        try:
            os.kill(self.pid, number)
        except PermissionError:
            raise Failure(f"{self.name} (pid {self.pid}) runs as another user; end it with sudo tools/dev down") from None

    def stop(self, timeout_s=30.0):
        """Asks it to end and waits; kills it when it does not. Returns True if it ended by itself."""
        self.send(signal.SIGCONT)
        self.send(self.stop_signal)
        try:
            wait_until(lambda: not self.is_alive(), f"{self.name} to end", timeout_s)
            return True
        except Failure:
            self.kill()
            return False

    def kill(self):
        self.send(signal.SIGKILL)
        wait_until(lambda: not self.is_alive(), f"{self.name} to be gone after SIGKILL", 10.0)

    def log_tail(self, lines=15):
        try:
            text = Path(self.log).read_bytes()[self.log_start:].decode(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def to_dict(self):
        return asdict(self)


def start(name, argv, log, *, cwd=None, user=None, env=None, stop_signal=signal.SIGTERM,
          ends_with_us=False):
    """Starts argv with its output in the file log. user: run as that user. ends_with_us: the kernel
    sends stop_signal when this process ends, however it ends (for tests)."""

    def child_setup():
        if ends_with_us:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(stop_signal))

    as_user = {"user": user, "group": user, "extra_groups": []} if user else {}
    with open(log, "ab") as out:
        log_start = out.tell()
        child = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=out, cwd=cwd, env=env, start_new_session=True,
                                 preexec_fn=child_setup, **as_user)
    child.returncode = 0  # Process reaps it itself; keeps Popen from warning about it
    fields = _stat_fields(child.pid)
    return Process(name, child.pid, fields[19] if fields else "", str(log), int(stop_signal), log_start)


def wait_ready(process, condition, timeout_s, data=None):
    """Waits until condition() holds; if the process ends first, says so with the end of its log. data: the
    folder of what it keeps, to be removed if that is damaged."""
    remedy = f"\nif what it keeps is damaged, give it up: rm -rf {data}" if data else ""

    def ready_or_ended():
        if not process.is_alive():
            raise Failure(f"{process.name} ended while starting; its log {process.log} says:\n"
                          f"{process.log_tail()}{remedy}")
        return condition()

    try:
        wait_until(ready_or_ended, f"{process.name} to be ready", timeout_s)
    except Failure as failure:
        if process.is_alive():
            raise Failure(f"{failure}; its log {process.log} ends:\n{process.log_tail()}") from None
        raise
