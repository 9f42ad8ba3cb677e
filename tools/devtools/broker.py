"""The embedded development broker: `atlas dev-broker`, a process of its own that outlives the host."""

from pathlib import Path

import paths
import ports
import process
from kafka import PARTITIONS, TOPICS


class Broker:
    def __init__(self, folder, port, *, preset="dev", ends_with_us=False):
        self.name = "dev-broker"
        self.folder = Path(folder)
        self.port = port
        self.process = None
        self._program = paths.atlas_program(preset)
        self._ends_with_us = ends_with_us

    def create(self):
        """Keeps nothing on disk."""

    def start(self):
        topics = [word for topic in TOPICS for word in ("--topic", topic)]
        self.process = process.start(
            self.name, [self._program, "dev-broker", "--port", self.port, "--partitions", PARTITIONS, *topics],
            self.folder / "dev-broker.log", ends_with_us=self._ends_with_us)

    def wait_ready(self):
        process.wait_ready(self.process, self.is_ready, 15.0)

    def is_ready(self):
        return ports.is_open(self.port)
