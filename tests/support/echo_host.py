"""A host that runs only the echo plugin: what the tests of the transports talk to."""

import os
import re
import signal
import subprocess
import time
import urllib.request

import grpc
import paths
import ports
from wait import wait_until

PRESET = os.environ.get("ATLAS_PRESET", "dev")

_CONFIG = """
log = {{ level = "info"; }};
run_dir = "{home}/run";
plugin_path = [ "{plugins}" ];
processes = (
    {{ name = "echo"; loops = {loops}; admin = "127.0.0.1:{admin_port}"; plugins = [ {loaded} ]; }}
);
listeners = (
    {{ name = "echo"; protocol = "grpc"; address = "127.0.0.1:{port}"; services = [ {services} ]; {more_grpc} }},
    {{ name = "echo_rest"; protocol = "rest"; address = "127.0.0.1:{rest_port}"; services = [ "atlas.test.v1.Echo" ]; }}
    {more_listeners}
);
plugins = {{ echo = {{ config = {{ {plugin_config} }}; }}; front = {{ }}; }};
{more}
"""


class EchoHost:
    """Started by the constructor, which waits for that log line; use it in a with statement. more and
    plugin_config are parts of its configuration, and template all of it; configure() changes the parts."""

    def __init__(self, home, loops=1, more="", port=None, plugin_config="", more_listeners="", more_grpc="",
                 awaited="msg=serving", template=_CONFIG, loaded='"echo"'):
        home.mkdir()
        self.home = home
        self.calls = []  # under way, for as long as the host
        self.port = port or ports.free_port()
        self.rest_port = ports.free_port()
        self.admin_port = ports.free_port()
        self._log = home / "log"
        self._file = home / "echo.cfg"
        self._template = template
        self._settings = {"home": home, "loaded": loaded, "loops": loops, "more": more, "port": self.port,
                          "rest_port": self.rest_port, "admin_port": self.admin_port,
                          "plugins": paths.ROOT / "build" / PRESET / "plugins", "plugin_config": plugin_config,
                          "more_listeners": more_listeners, "more_grpc": more_grpc, "services": '"atlas.test.v1.Echo"'}
        self.configure()
        self.start(awaited)

    def start(self, awaited="msg=serving"):
        """Starts the host, again if it has ended; the log begins anew."""
        with self._log.open("wb") as log:
            self.process = subprocess.Popen([paths.atlas_program(PRESET), "run", "-c", str(self._file)], stderr=log)
        self.wait_log(awaited)

    def configure(self, **changes):
        self._settings.update(changes)
        self.port = self._settings["port"]
        self._file.write_text(self._template.format(**self._settings))

    def wait_log(self, text, timeout_s=20.0):
        """Waits until the log has the text."""
        end = time.monotonic() + timeout_s
        while text not in self.log():
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"the echo host does not say {text}:\n{self.log()}")
            time.sleep(0.01)

    def wait_copies(self, count):
        """Waits until it has so many private copies of plugins: a reload that makes one has begun."""
        wait_until(lambda: len(list(self.home.glob("run/**/*.so"))) == count, f"{count} copies of plugins")

    def reload(self, **changes):
        """Changes the configuration and waits until the host follows it, or refuses; returns what it logs."""
        begin = len(self.log())
        self.configure(**changes)
        self.send(signal.SIGHUP)
        end = time.monotonic() + 20
        while not re.search("msg=\"(reload done|reload refused)", self.log()[begin:]):
            assert time.monotonic() < end and self.process.poll() is None, self.log()
            time.sleep(0.01)
        return self.log()[begin:]

    def send(self, number):
        self.process.send_signal(number)

    def wait_end(self, timeout_s=20.0):
        """Waits until the host has ended, and returns its exit code."""
        return self.process.wait(timeout=timeout_s)

    def metric_lines(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}/metrics", timeout=10) as page:
            return page.read().decode().splitlines()

    def metric(self, name):
        """The sum of the series that begin with name, which may have labels; 0 if there is none."""
        return sum(float(line.rsplit(" ", 1)[1]) for line in self.metric_lines()
                   if line.startswith(name) and line[len(name)] in " {,}")

    def log(self):
        return self._log.read_text()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def channel(self, **options):
        options.setdefault("grpc.use_local_subchannel_pool", 1)
        return grpc.insecure_channel(self.address, options=list(options.items()))

    def stub(self, channel):
        import echo_pb2_grpc  # generated
        return echo_pb2_grpc.EchoStub(channel)

    def stop(self):
        """Ends the host and checks that it ends well."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=30) == 0, self.log()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
        assert self.process.returncode == 0, self.log()
