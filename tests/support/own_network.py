"""A network of a test's own: every port is free in it, whatever else runs on the machine."""

import subprocess
import sys

# Brings the loopback up (SIOCSIFFLAGS, IFF_UP), says so, and keeps the network until stdin ends.
_KEEPER = """
import fcntl, socket, struct, sys
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 1))
print("up", flush=True)
sys.stdin.read()
"""


class OwnNetwork:
    """Use it in a with statement. `prefix` is what a command is started with to run in it; it is empty,
    and the network the machine's, for a user who may not make one."""

    def __enter__(self):
        self._keeper = subprocess.Popen(["unshare", "--net", sys.executable, "-c", _KEEPER], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        self.is_own = self._keeper.stdout.readline() == "up\n"
        self.prefix = ["nsenter", f"--net=/proc/{self._keeper.pid}/ns/net", "--"] if self.is_own else []
        return self

    def __exit__(self, *failure):
        self._keeper.communicate()
