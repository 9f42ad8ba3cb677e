"""Servers and hosts as one thing to start and stop; shared by `up` and by the system tests."""

from concurrent.futures import ThreadPoolExecutor

import config
import interrupt
from broker import Broker
from host import Host
from kafka import Kafka
from postgres import Postgres
from redis import Redis


class Servers:
    """PostgreSQL, Redis and a broker. real_kafka: Apache Kafka, otherwise `atlas dev-broker`."""

    def __init__(self, folder, addresses, *, real_kafka, preset="dev", ends_with_us=False):
        self.postgres = Postgres(folder, addresses.postgres, ends_with_us=ends_with_us)
        self.redis = Redis(folder, addresses.redis, ends_with_us=ends_with_us)
        if real_kafka:
            self.kafka = Kafka(folder, addresses.kafka, ends_with_us=ends_with_us)
        else:
            self.kafka = Broker(folder, addresses.kafka, preset=preset,
                                ends_with_us=ends_with_us)
        self.all = (self.postgres, self.redis, self.kafka)

    def start(self, on_started=lambda: None):
        """All at once, since each mostly waits for itself. What did start is stopped by stop().
        on_started is called after each start of a process, ready or not."""
        with ThreadPoolExecutor(len(self.all)) as workers:
            list(workers.map(lambda server: server.create(), self.all))
        for server in self.all:  # on this thread: a child is bound to the thread that started it
            with interrupt.held():  # no process that nobody knows of
                server.start()
                on_started()
        for server in self.all:
            server.wait_ready()
        self.postgres.prepare()

    def stop(self):
        _stop([server.process for server in self.all])


class Hosts:
    """The host processes of one deployment: all plugins in one, or one each."""

    def __init__(self, folder, config_files, addresses, *, split, preset="dev", env=None,
                 ends_with_us=False):
        self.all = [Host(folder, config_files, name, addresses.admin[name], preset=preset, env=env,
                         ends_with_us=ends_with_us)
                    for name in (config.FIVE_PROCESSES if split else config.ONE_PROCESS)]

    def start(self, on_started=lambda: None):
        for host in self.all:
            with interrupt.held():
                host.start()
                on_started()
        for host in self.all:
            host.wait_ready()

    def stop(self):
        _stop([host.process for host in self.all])

    def serving(self, plugin):
        """The host that runs the plugin."""
        return next((host for host in self.all if host.process_name == plugin), self.all[0])


def _stop(processes):
    running = [one for one in reversed(processes) if one]
    if running:
        with ThreadPoolExecutor(len(running)) as workers:
            list(workers.map(lambda one: one.stop(), running))
