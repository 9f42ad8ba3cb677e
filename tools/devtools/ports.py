"""TCP ports on loopback: which are free, and who has the others."""

import os
import socket
from pathlib import Path

_given = set()


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def is_open(port):
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port():
    """A port nobody listens on now, and that this process has not handed out before. From below the
    kernel's range for outgoing connections, so that none of those takes it meanwhile."""
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    first, last = 20000, min(low, 32768) - 1
    start = first + (os.getpid() * 131) % (last - first)
    for offset in range(last - first):
        port = first + (start - first + offset) % (last - first)
        if port not in _given and is_free(port):
            _given.add(port)
            return port
    raise OSError("no free port between 20000 and the ephemeral range")


def _listening_inode(port):
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                return fields[9]
    return None


def holder(port):
    """Who listens on the port, as text: "redis-server (pid 12)", or "" if that cannot be seen."""
    wanted = f"socket:[{_listening_inode(port)}]"
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if any(os.readlink(fd) == wanted for fd in (entry / "fd").iterdir()):
                return f"{(entry / 'comm').read_text().strip()} (pid {entry.name})"
        except OSError:
            continue
    return ""
