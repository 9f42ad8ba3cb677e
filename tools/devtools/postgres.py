"""A private PostgreSQL: a data folder of its own, loopback only, durable (fsync stays on)."""

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

import paths
import process
from failure import Failure

_PROGRAMS = Path("/usr/lib/postgresql/15/bin")


class Postgres:
    def __init__(self, folder, port, *, ends_with_us=False):
        self.name = "postgres"
        self.folder = Path(folder)
        self.port = port
        self.process = None
        self._data = self.folder / "postgres"
        self._ends_with_us = ends_with_us

    def create(self):
        """Makes the data folder if there is none yet; aside, so that it is whole or not there."""
        if self._data.exists():
            paths.server_folder(self.folder, self._data.name)
            return
        shutil.rmtree(self.folder / "postgres.part", ignore_errors=True)
        data = paths.server_folder(self.folder, "postgres.part")
        user = paths.server_user()
        as_user = {"user": user, "group": user, "extra_groups": []} if user else {}
        done = subprocess.run([_PROGRAMS / "initdb", "-D", data, "-U", "postgres", "-A", "trust",
                               "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"],
                              cwd="/", text=True, capture_output=True, check=False, **as_user)
        if done.returncode != 0:
            raise Failure(f"initdb in {data} failed: {done.stderr.strip()}")
        data.rename(self._data)

    def start(self):
        self.process = process.start(
            self.name,
            [_PROGRAMS / "postgres", "-D", self._data, "-p", self.port,
             "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
             "-c", "max_connections=200", "-c", "shared_buffers=64MB"],
            self.folder / "postgres.log", cwd="/", user=paths.server_user(),
            stop_signal=signal.SIGINT, ends_with_us=self._ends_with_us)

    def wait_ready(self):
        process.wait_ready(self.process, self.is_ready, 30.0, self._data)

    def is_ready(self):
        return subprocess.run([_PROGRAMS / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port),
                               "-U", "postgres", "-d", "postgres"],
                              check=False).returncode == 0

    def _psql_command(self, database, user):
        return [_PROGRAMS / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1",
                "-p", str(self.port), "-U", user, "-d", database]

    @contextlib.contextmanager
    def locked(self, table):
        """Holds a table locked against every reader and writer for the length of a with statement."""
        with subprocess.Popen(self._psql_command("atlas", "postgres"), text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as session:
            session.stdin.write(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT 'locked';\n")
            session.stdin.flush()
            if session.stdout.readline().strip() != "locked":
                raise Failure(f"psql: cannot lock {table}")
            try:
                yield
            finally:
                session.stdin.close()  # psql leaves, and the transaction with it

    def psql(self, sql, database="atlas", user="postgres"):
        """Runs SQL, returns its rows as text, columns separated by |. Failure with the server's words."""
        done = subprocess.run(
            self._psql_command(database, user),
            input=sql, text=True, capture_output=True, check=False, env={**os.environ, "LC_ALL": "C"})
        if done.returncode != 0:
            raise Failure(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    def prepare(self, plugins=paths.PLUGINS):
        """Database atlas, and for each plugin a role and a schema that belongs to it."""
        if self.psql("SELECT 1 FROM pg_database WHERE datname = 'atlas'", "postgres") != "1":
            self.psql("CREATE DATABASE atlas", "postgres")
        self.psql("".join(self._plugin_sql(plugin) for plugin in plugins))

    @staticmethod
    def _plugin_sql(plugin):
        role = f"atlas_{plugin}"
        return (f"DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}') THEN\n"
                f"  CREATE ROLE {role} LOGIN; END IF; END $$;\n"
                f"SET client_min_messages = warning;\n"
                f'CREATE SCHEMA IF NOT EXISTS "{plugin}" AUTHORIZATION {role};\n'
                f'ALTER ROLE {role} IN DATABASE atlas SET search_path = "{plugin}";\n')
