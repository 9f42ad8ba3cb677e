"""Records of Kafka, by the library that nobody here wrote the consumer with."""

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from wait import wait_until


def produce(port, topic, key, value, headers=None):
    """Publishes one record and waits for the broker. Returns nothing; raises if it was not taken."""
    errors = []
    producer = Producer({"bootstrap.servers": f"127.0.0.1:{port}"})
    producer.produce(topic, value, key, headers=headers,
                     on_delivery=lambda error, _: errors.append(error))
    producer.flush(15.0)
    assert errors == [None], f"{topic}: {errors}"


def find(port, topic, wanted, timeout_s=30.0):
    """Reads a topic from its beginning until wanted(record) holds, and returns that record."""
    consumer = Consumer({"bootstrap.servers": f"127.0.0.1:{port}", "group.id": "atlas-test-reader",
                         "enable.auto.commit": False, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])

    def next_match():  # many at once: wait_until pauses between its looks
        records = consumer.consume(10_000, 0.2)
        return next((record for record in records if not record.error() and wanted(record)), None)

    try:
        return wait_until(next_match, f"a record in {topic}", timeout_s)
    finally:
        consumer.close()


def create_topic(port, topic, settings):
    """Makes a topic of one partition with these settings of the broker."""
    admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{port}"})
    for future in admin.create_topics([NewTopic(topic, 1, 1, config=settings)]).values():
        future.result()


def keys(port, topic, count, timeout_s=30.0):
    """Reads a topic from its beginning until it gave `count` records; their keys, in order."""
    found = []

    def note(record):
        found.append(record.key().decode())
        return len(found) == count

    find(port, topic, note, timeout_s)
    return found
