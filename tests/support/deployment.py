"""A running Atlas for system tests: host processes over shared servers, with clients for them."""

import re
import signal
from pathlib import Path

import config
import grpc
from failure import Failure
from rest import Rest
from stack import Hosts
from wait import wait_until

_SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:")
_TIMINGS = Path(__file__).with_name("timings.cfg")
SERVICES = {"tracker": "Tracker", "order": "Order", "dispatch": "Dispatch", "wallet": "Wallet"}


class Deployment:
    """The host as one process or as five. `configure` changes the overlay, `reload` sends SIGHUP."""

    def __init__(self, folder, servers, *, split, preset):
        self.folder = Path(folder)
        self.servers = servers
        self.split = split
        self.preset = preset
        self.addresses = config.Addresses.private()
        self.addresses.postgres = servers.postgres.port
        self.addresses.redis = servers.redis.port
        self.addresses.kafka = servers.kafka.port
        addresses_file = self.folder / "addresses.cfg"
        addresses_file.write_text(config.overlay(self.addresses, self.folder / "host"))
        self.overlay = self.folder / "test.cfg"
        self.configure("")
        self.hosts = Hosts(self.folder, [config.CONFIG, addresses_file, _TIMINGS, self.overlay],
                           self.addresses, split=split, preset=preset, ends_with_us=True)
        self._channels = {}

    def configure(self, text):
        """Writes the topmost configuration file; a running host sees it at its reload."""
        self.overlay.write_text(text)

    def start(self):
        (self.folder / "host").mkdir(exist_ok=True)
        self.hosts.start()

    def stop(self):
        """Ends the hosts as an operator would; they must leave by themselves and leave nothing behind."""
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()
        running = [host for host in self.hosts.all if host.process]
        self.hosts.stop()
        reports = [f"{host.name}: {line}" for host in running
                   for line in host.log.read_text(errors="replace").splitlines()
                   if _SANITIZER.search(line)]
        if reports:
            raise Failure("a sanitizer reported:\n" + "\n".join(reports))

    def rest(self):
        """A new REST client of the gateway."""
        return Rest(self.addresses.listeners["gateway"])

    def stub(self, plugin):
        """The generated gRPC stub of a plugin's service, over one channel per plugin."""
        module = __import__(f"atlas.{plugin}.v1.{plugin}_pb2_grpc", fromlist=["*"])
        return getattr(module, f"{SERVICES[plugin]}Stub")(self.channel(plugin))

    def channel(self, plugin):
        if plugin not in self._channels:
            self._channels[plugin] = grpc.insecure_channel(
                f"127.0.0.1:{self.addresses.listeners[plugin]}",
                options=[("grpc.initial_reconnect_backoff_ms", 100),
                         ("grpc.min_reconnect_backoff_ms", 100),
                         ("grpc.max_reconnect_backoff_ms", 500)])
        return self._channels[plugin]

    def restart(self, host):
        """Starts a host again that has ended, and waits until it is ready."""
        host.start()
        host.wait_ready()

    def revive(self):
        """Starts again what is not running, servers included, and waits until all is ready."""
        for one in (*self.servers.all, *self.hosts.all):
            if not one.process.is_alive():
                one.start()
            one.wait_ready()

    def reload(self, plugin):
        """SIGHUP to the process that runs the plugin. Returns the position in its log before that."""
        host = self.hosts.serving(plugin)
        position = host.log.stat().st_size
        host.process.send(signal.SIGHUP)
        return position

    def log_since(self, plugin, position):
        with open(self.hosts.serving(plugin).log, errors="replace") as log:
            log.seek(position)
            return log.read()

    def wait_log(self, plugin, position, pattern, timeout_s=20.0):
        """Waits for a line that matches in the log of the plugin's host; returns the log since position."""
        wait_until(lambda: re.search(pattern, self.log_since(plugin, position)),
                   f"'{pattern}' in {self.hosts.serving(plugin).log}", timeout_s)
        return self.log_since(plugin, position)

    def metrics(self, plugin):
        """The metrics of the plugin's host: {name{labels}: value}."""
        status, text = self.hosts.serving(plugin).admin("/metrics")
        assert status == 200, f"/metrics answered {status}"
        samples = (line.rsplit(" ", 1) for line in text.splitlines() if line and line[0] != "#")
        return {name: float(value) for name, value in samples}
