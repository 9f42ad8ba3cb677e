"""One process of the Atlas host."""

import os
import urllib.error
import urllib.request
from pathlib import Path

import paths
import process


class Host:
    """name: the process of the configuration, as in `atlas run --process NAME`."""

    def __init__(self, folder, config_files, name, admin_port, *, preset="dev", env=None, ends_with_us=False,
                 prefix=()):
        self.name = name if name == "atlas" else f"atlas-{name}"
        self.process_name = name
        self.folder = Path(folder)
        self.config_files = [Path(file) for file in config_files]
        self.admin_port = admin_port
        self.program = paths.atlas_program(preset)
        self.process = None
        self._env = env
        self._prefix = list(prefix)  # a program to start it with, such as taskset
        self._ends_with_us = ends_with_us

    def start(self, variables=None):
        """variables: more of the environment, for this start only."""
        env = {**(self._env or os.environ), **variables} if variables else self._env
        files = [word for file in self.config_files for word in ("-c", file)]
        self.process = process.start(
            self.name, [*self._prefix, self.program, "run", *files, "--process", self.process_name],
            self.log, cwd=paths.ROOT, env=env, ends_with_us=self._ends_with_us)

    @property
    def log(self):
        return self.folder / f"{self.name}.log"

    def wait_ready(self, timeout_s=30.0):
        process.wait_ready(self.process, self.is_ready, timeout_s)

    def is_ready(self):
        return self.admin("/readyz")[0] == 200

    def admin(self, path):
        """(HTTP status, body) of the admin port; (0, "") if it does not answer."""
        try:
            url = f"http://127.0.0.1:{self.admin_port}{path}"
            with urllib.request.urlopen(url, timeout=2.0) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except OSError:
            return 0, ""
