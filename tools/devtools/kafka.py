"""A private Apache Kafka: one node in KRaft mode, from jars that Maven resolves (tools/kafka/pom.xml)."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import paths
import ports
import process
from failure import Failure

_POM = paths.ROOT / "tools" / "kafka" / "pom.xml"
_LOG4J = paths.ROOT / "tools" / "kafka" / "log4j.properties"
_CLUSTER_ID = "QXRsYXNEZXZlbG9wbWVudA"  # 16 bytes in base64; a private cluster needs no other
_JAVA = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"]

TOPICS = ("driver-gps", "order-events", "ride-dispatch")
PARTITIONS = 4


def jars():
    """The folder with the jars, resolved on first use and whenever the pom changes."""
    stamp = hashlib.sha256(_POM.read_bytes()).hexdigest()[:12]
    folder = paths.ensure_run_dir() / f"kafka-jars-{stamp}"
    if not folder.is_dir():
        staging = folder.with_suffix(".part")
        shutil.rmtree(staging, ignore_errors=True)
        done = subprocess.run(["mvn", "-B", "-q", "-f", _POM, "dependency:copy-dependencies",
                               f"-DoutputDirectory={staging}"],
                              text=True, capture_output=True, check=False)
        if done.returncode != 0:
            raise Failure("Maven could not resolve Apache Kafka (is Maven Central reachable?):\n"
                          + done.stdout[-2000:])
        staging.rename(folder)
    return folder


class Kafka:
    def __init__(self, folder, port, *, ends_with_us=False):
        self.name = "kafka"
        self.folder = Path(folder)
        self.port = port
        self.process = None
        self._ends_with_us = ends_with_us
        self._controller_port = None

    def create(self):
        """Resolves the jars, writes the configuration and formats the storage if it is new."""
        data = paths.server_folder(self.folder, "kafka")
        self._write_properties(data)
        if not (data / "log" / "meta.properties").exists():
            self._format()

    def start(self):
        self.process = process.start(
            self.name, [*self._java(), "kafka.Kafka", self._properties()], self.folder / "kafka.log",
            cwd="/", user=paths.server_user(), ends_with_us=self._ends_with_us)

    def wait_ready(self):
        process.wait_ready(self.process, self.is_ready, 60.0, self.folder / "kafka")
        self.create_topics(TOPICS)

    def is_ready(self):
        if not ports.is_open(self.port):
            return False
        from confluent_kafka import KafkaException
        try:
            return len(self._admin().list_topics(timeout=2.0).brokers) == 1
        except KafkaException:
            return False

    def create_topics(self, names, partitions=PARTITIONS):
        """Creates the topics that are not there yet; each dead-letter topic is made with its topic."""
        from confluent_kafka.admin import NewTopic
        admin = self._admin()
        wanted = [name for topic in names for name in (topic, f"{topic}.dead")]
        existing = admin.list_topics(timeout=10.0).topics
        new = [NewTopic(name, partitions, 1) for name in wanted if name not in existing]
        if new:
            for future in admin.create_topics(new).values():
                future.result()

    def _admin(self):
        from confluent_kafka.admin import AdminClient
        return AdminClient({"bootstrap.servers": f"127.0.0.1:{self.port}", "log_level": 0})

    def _java(self):
        return [*_JAVA, f"-Dlog4j.configuration=file:{self.folder / 'kafka' / 'log4j.properties'}",
                "-cp", f"{jars()}/*"]

    def _properties(self):
        return self.folder / "kafka" / "server.properties"

    def _write_properties(self, data):
        self._controller_port = self._controller_port or ports.free_port()
        client, controller = f"127.0.0.1:{self.port}", f"127.0.0.1:{self._controller_port}"
        self._properties().write_text(f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{controller}
listeners=PLAINTEXT://{client},CONTROLLER://{controller}
advertised.listeners=PLAINTEXT://{client}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data / 'log'}
num.partitions={PARTITIONS}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
""")
        shutil.copy(_LOG4J, data / "log4j.properties")
        for file in data.glob("*.properties"):
            os.chmod(file, 0o644)

    def _format(self):
        user = paths.server_user()
        as_user = {"user": user, "group": user, "extra_groups": []} if user else {}
        done = subprocess.run([*self._java(), "kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID,
                               "-c", self._properties()],
                              cwd="/", text=True, capture_output=True, check=False, **as_user)
        if done.returncode != 0:
            raise Failure(f"formatting Kafka's storage failed:\n{done.stdout}{done.stderr}")
