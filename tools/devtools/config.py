"""etc/atlas.cfg as the tools see it: its addresses are the well-known ones below, and a copy for a test
is the same text with other ports and folders in their place."""

import re
from dataclasses import dataclass

import paths
from failure import Failure

CONFIG = paths.ROOT / "etc" / "atlas.cfg"

POSTGRES_PORT = 15432
REDIS_PORT = 16379
KAFKA_PORT = 19092
REST_PORT = 8085
GRPC_PORTS = {"tracker": 50051, "order": 50052, "dispatch": 50053, "wallet": 50054}

# Processes of the configuration and their admin ports.
ONE_PROCESS = {"all": 9100}
FIVE_PROCESSES = {"tracker": 9101, "order": 9102, "dispatch": 9103, "wallet": 9104, "gateway": 9105}

SERVER_PORTS = {"PostgreSQL": POSTGRES_PORT, "Redis": REDIS_PORT, "Kafka": KAFKA_PORT}


@dataclass
class Ports:
    """Every port of a stack: well-known number -> the one in use."""

    by_known: dict

    def __getitem__(self, known):
        return self.by_known[known]


def well_known():
    known = [*SERVER_PORTS.values(), REST_PORT, *GRPC_PORTS.values(),
             *ONE_PROCESS.values(), *FIVE_PROCESSES.values()]
    return Ports({port: port for port in known})


def derive(text, ports, replacements=()):
    """The configuration with each well-known port replaced, then each (old, new) text."""
    for known, actual in ports.by_known.items():
        text, count = re.subn(rf"(?<!\d){known}(?!\d)", f"\x00{actual}", text)
        if count == 0:
            raise Failure(f"etc/atlas.cfg no longer mentions port {known}; tools/devtools/config.py "
                          "says it does")
    text = text.replace("\x00", "")
    for old, new in replacements:
        if old not in text:
            raise Failure(f"etc/atlas.cfg no longer contains '{old}'")
        text = text.replace(old, new)
    return text
