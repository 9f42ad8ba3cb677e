"""Who has a TCP port, from /proc: a listener, or an outgoing connection that the kernel gave it to."""

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

_LISTEN, _TIME_WAIT = "0A", "06"  # states as /proc/net/tcp writes them


@dataclass
class Holder:
    process: str  # "redis-server (pid 12)", "" if that cannot be seen
    peer: str  # of an outgoing connection: "127.0.0.1:6379"; "" for a listener
    has_ended: bool = False  # the connection; the kernel keeps its port for a minute


def find(port):
    """The Holder of the port; None if no socket of this machine can be seen on it."""
    rows = [fields for table in ("tcp", "tcp6") for fields in _rows(table)
            if int(fields[1].rpartition(":")[2], 16) == port]
    if not rows:
        return None
    fields = min(rows, key=lambda row: (row[3] != _LISTEN, row[3] == _TIME_WAIT))
    if fields[3] == _LISTEN:
        return Holder(_process_with(fields[9]), "")
    return Holder(_process_with(fields[9]), _address(fields[2]), has_ended=fields[3] == _TIME_WAIT)


def _rows(table):
    try:
        lines = Path("/proc/net", table).read_text().splitlines()[1:]
    except OSError:
        return []
    return [line.split() for line in lines]


def _address(text):
    """"0100007F:1A2B" as "127.0.0.1:6699": the address is in words of the machine's byte order."""
    address, _, port = text.rpartition(":")
    words = bytes.fromhex(address)
    raw = b"".join(words[i:i + 4][::-1] for i in range(0, len(words), 4))
    ip = ipaddress.ip_address(raw)
    return f"{getattr(ip, 'ipv4_mapped', None) or ip}:{int(port, 16)}"


def _process_with(inode):
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if any(os.readlink(fd) == f"socket:[{inode}]" for fd in (entry / "fd").iterdir()):
                return f"{(entry / 'comm').read_text().strip()} (pid {entry.name})"
        except OSError:
            continue
    return ""
