"""TCP ports on loopback: which are free, and free ports that no other test or tool is given."""

import os
import socket

# Below the kernel's range for outgoing connections (net.ipv4.ip_local_port_range), so that none of those
# takes a port between its choice and its use; above the ports that Atlas and its servers have by default.
_FIRST, _LAST = 20000, 32767
_claims = []


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


def _claim(port):
    """Claims the port among all that use free_port (tests/support/free_port.c too): a name that only one
    process can bind, and that goes when the process ends."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0atlas-free-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True


def free_port():
    """A port that nobody has now and that nobody else is given before this process ends."""
    count = _LAST - _FIRST + 1
    start = os.getpid() * 131
    for offset in range(count):
        port = _FIRST + (start + offset) % count
        if _claim(port) and is_free(port):
            return port
    raise OSError(f"no free port between {_FIRST} and {_LAST}")
