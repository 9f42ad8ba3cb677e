"""Where things lie, and which user the servers run as."""

import hashlib
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from failure import Failure

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / "run"
PLUGINS = ("tracker", "order", "dispatch", "wallet", "gateway")

# PostgreSQL refuses to run as root; its package brings this user.
SERVER_USER = "postgres"


def build_dir(preset="dev"):
    return ROOT / "build" / preset


def atlas_program(preset="dev"):
    return build_dir(preset) / "bin" / "atlas"


def server_user():
    """The user that servers run as: None for the current one, or an unprivileged one under root."""
    return SERVER_USER if os.geteuid() == 0 else None


def _give_to_server_user(folder):
    """With all that is in it, in case somebody else ran the servers here before."""
    if not server_user() or _owner(folder) == SERVER_USER:
        return
    for parent, _, files in os.walk(folder):
        for path in (parent, *(os.path.join(parent, file) for file in files)):
            shutil.chown(path, SERVER_USER, SERVER_USER)


def _owner(path):
    uid = Path(path).stat().st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def refuse_what_others_made():
    """A Failure with the remedy if build/ or run/ have parts that another user made: the build and the
    servers could not write to them. Root can."""
    if os.geteuid() == 0:
        return
    for folder in (ROOT / "build", RUN.resolve()):
        for path in (folder, *sorted(folder.glob("*"))):
            if path.exists() and path.stat().st_uid != os.geteuid():
                raise Failure(f"{path} belongs to {_owner(path)}, who ran tools/dev here before; to have it yourself:\n"
                              f"  sudo chown -R {pwd.getpwuid(os.geteuid()).pw_name} {folder}")


def can_server_user_enter(folder):
    if not server_user():
        return True
    return subprocess.run(["test", "-x", str(folder)], user=SERVER_USER, extra_groups=[],
                          group=SERVER_USER, check=False).returncode == 0


def ensure_run_dir():
    """Makes run/. Where the servers' user cannot reach it (a clone below /root), run/ becomes a link
    to a folder under /var/tmp."""
    if not RUN.exists():
        RUN.unlink(missing_ok=True)  # a link to a folder that is gone
        RUN.mkdir(mode=0o755)
        if not can_server_user_enter(RUN):
            RUN.rmdir()
            name = hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
            elsewhere = Path("/var/tmp") / f"atlas-run-{name}"
            elsewhere.mkdir(mode=0o755, exist_ok=True)
            RUN.symlink_to(elsewhere)
    return RUN.resolve()  # servers may not be able to follow the link


def server_folder(parent, name):
    """A data folder that belongs to the servers' user."""
    folder = Path(parent) / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _give_to_server_user(folder)
    return folder
