"""A private Redis with an append-only file, so that it comes back with what it had."""

import socket
from pathlib import Path

import paths
import process


class Redis:
    def __init__(self, folder, port, *, ends_with_us=False):
        self.name = "redis"
        self.folder = Path(folder)
        self.port = port
        self.process = None
        self._ends_with_us = ends_with_us

    def create(self):
        paths.server_folder(self.folder, "redis")

    def start(self):
        self.process = process.start(
            self.name,
            ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.folder / "redis",
             "--save", "", "--appendonly", "yes", "--daemonize", "no"],
            self.folder / "redis.log", cwd="/", user=paths.server_user(),
            ends_with_us=self._ends_with_us)

    def wait_ready(self):
        process.wait_ready(self.process, self.is_ready, 15.0, self.folder / "redis")

    def is_ready(self):
        try:
            return self.command("PING") == b"+PONG"
        except OSError:
            return False

    def command(self, *words):
        """One command whose answer is a single line (PING, DBSIZE, FLUSHALL)."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5.0) as connection:
            connection.sendall((" ".join(words) + "\r\n").encode())
            return connection.makefile("rb").readline().strip()
