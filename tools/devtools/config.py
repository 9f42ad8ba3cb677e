"""Addresses of a deployment and the file that lays them over etc/atlas.cfg."""

from dataclasses import dataclass, field

import paths
import ports

CONFIG = paths.ROOT / "etc" / "atlas.cfg"

# The process of etc/atlas.cfg that runs everything, and those that run one plugin each.
ONE_PROCESS = ("atlas",)
FIVE_PROCESSES = paths.PLUGINS

_GRPC = ("tracker", "order", "dispatch", "wallet")
_PROCESSES = (*ONE_PROCESS, *FIVE_PROCESSES)


@dataclass
class Addresses:
    """Ports on loopback. listeners and admin are by the names in etc/atlas.cfg; what they do not
    name stays as it is there."""

    postgres: int
    redis: int
    kafka: int
    listeners: dict = field(default_factory=dict)
    admin: dict = field(default_factory=dict)

    @staticmethod
    def well_known():
        """Atlas where etc/atlas.cfg says, private servers beside the usual ports."""
        return Addresses(
            postgres=15432, redis=16379, kafka=19092,
            listeners={"tracker": 50051, "order": 50052, "dispatch": 50053, "wallet": 50054,
                       "gateway": 8085},
            admin={"atlas": 8086, "tracker": 8091, "order": 8092, "dispatch": 8093, "wallet": 8094,
                   "gateway": 8095})

    @staticmethod
    def private():
        """Free ports for everything."""
        return Addresses(ports.free_port(), ports.free_port(), ports.free_port(),
                         {name: ports.free_port() for name in (*_GRPC, "gateway")},
                         {name: ports.free_port() for name in _PROCESSES})

    def named(self, processes):
        """Every port in use by these processes and the servers, with what it is for."""
        return {"PostgreSQL": self.postgres, "Redis": self.redis, "Kafka": self.kafka,
                **{f"listener {name}": port for name, port in self.listeners.items()},
                **{f"admin of {name}": self.admin[name] for name in processes}}


def overlay_addresses(listeners, admin, run_dir):
    """Lines that put listeners and admin ports, by name -> port, and the run folder in place."""
    listener_lines = "".join(f'    {name} = {{ address = "127.0.0.1:{port}"; }};\n'
                             for name, port in listeners.items())
    admin_lines = "".join(f'    {name} = {{ admin = "127.0.0.1:{port}"; }};\n'
                          for name, port in admin.items())
    return (f'run_dir = "{run_dir}";\n'
            f'listeners = {{\n{listener_lines}}};\nprocesses = {{\n{admin_lines}}};\n')


def overlay(addresses, run_dir, more=""):
    """A configuration file to lie over etc/atlas.cfg; more: further lines."""
    return ("# Written by tools/dev; lies over etc/atlas.cfg.\n"
            + overlay_addresses(addresses.listeners, addresses.admin, run_dir)
            + f'postgres = {{ host = "127.0.0.1"; port = {addresses.postgres}; }};\n'
              f'redis = {{ host = "127.0.0.1"; port = {addresses.redis}; }};\n'
              f'kafka = {{ brokers = "127.0.0.1:{addresses.kafka}"; }};\n{more}')
