"""Transcoding against python3-protobuf's json_format: random messages both ways must mean the same, and
damaged ones must be refused or read alike. Usage: differential.py PEER DESCRIPTORS"""

import json
import random
import subprocess
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

ROUNDS = 400
TEXTS = ["", "a", "ä☺😈", 'quote " and \\ and \n\t\x01', "x" * 300, "\u2028", "</script>"]


def load(path):
    files = descriptor_pb2.FileDescriptorSet.FromString(open(path, "rb").read())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return {name: factory.GetPrototype(pool.FindMessageTypeByName("transcode." + name))
            for name in ("Scalars", "Shapes", "Thing")}


class Peer:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def _ask(self, kind, name, text):
        self.process.stdin.write(f"{kind} {name} {text}\n".encode())
        self.process.stdin.flush()
        answer = self.process.stdout.readline().decode().rstrip("\n")
        assert self.process.poll() is None, f"the peer died of {kind} {name} {text}"
        return answer

    def encode(self, name, text):
        answer = self._ask("E", name, text)
        return answer if answer.startswith("!") else bytes.fromhex(answer)

    def decode(self, name, data):
        return self._ask("D", name, data.hex())

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=10) == 0


def scalar(field, rng):
    kind = field.cpp_type
    if kind == field.CPPTYPE_STRING:
        return rng.randbytes(rng.randrange(9)) if field.type == field.TYPE_BYTES else rng.choice(TEXTS)
    if kind == field.CPPTYPE_BOOL:
        return rng.random() < 0.5
    if kind == field.CPPTYPE_ENUM:
        return rng.choice([0, 1, -2, 5, -7])
    if kind in (field.CPPTYPE_DOUBLE, field.CPPTYPE_FLOAT):
        small = kind == field.CPPTYPE_FLOAT
        return rng.choice([0, 1, -1.5, 0.1, rng.uniform(-180, 180), 3e38 if small else 1e300, 1e-30,
                           float("inf"), float("-inf"), float("nan"), -0.0])
    bits = 32 if kind in (field.CPPTYPE_INT32, field.CPPTYPE_UINT32) else 64
    signed = kind in (field.CPPTYPE_INT32, field.CPPTYPE_INT64)
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return rng.choice([low, high, 0, 1, rng.randint(low, high), max(low, -1)])


def fill_time(message, rng, is_timestamp):
    if is_timestamp:
        message.seconds = rng.choice([0, -1, -62135596800, 253402300799, rng.randint(-62135596800, 253402300799)])
        message.nanos = rng.choice([0, 1, 500000000, 123456000, 999999999])
    else:
        sign = rng.choice([1, -1])
        message.seconds = sign * rng.choice([0, 1, 315576000000, rng.randint(0, 10 ** 9)])
        message.nanos = sign * rng.choice([0, 1, 500000000, 123456000])


def fill(message, rng, depth):
    name = message.DESCRIPTOR.full_name
    if name in ("google.protobuf.Timestamp", "google.protobuf.Duration"):
        fill_time(message, rng, name.endswith("Timestamp"))
        return
    for field in message.DESCRIPTOR.fields:
        is_message = field.cpp_type == field.CPPTYPE_MESSAGE
        if rng.random() < (0.85 if is_message and depth > 2 else 0.5) or field.name == "anything":
            continue
        value = getattr(message, field.name)
        if is_message and field.message_type.GetOptions().map_entry:
            key, item = field.message_type.fields
            for _ in range(rng.randrange(3)):
                if item.cpp_type == item.CPPTYPE_MESSAGE:
                    fill(value[scalar(key, rng)], rng, depth + 1)
                else:
                    value[scalar(key, rng)] = scalar(item, rng)
        elif field.label == field.LABEL_REPEATED:
            for _ in range(rng.randrange(4)):
                if is_message:
                    fill(value.add(), rng, depth + 1)
                else:
                    value.append(scalar(field, rng))
        elif is_message:
            value.SetInParent()
            fill(value, rng, depth + 1)
        else:
            setattr(message, field.name, scalar(field, rng))


def same(a, b):
    """NaN is not equal to itself: compare the deterministic serializations."""
    return a.SerializeToString(deterministic=True) == b.SerializeToString(deterministic=True)


def check_both_ways(peer, types, rng):
    for _ in range(ROUNDS):
        name = rng.choice(list(types))
        message = types[name]()
        fill(message, rng, 0)
        text = peer.decode(name, message.SerializeToString())
        assert not text.startswith("!"), (text, message)
        assert same(json_format.Parse(text, types[name]()), message), (text, message)
        for snake in (False, True):
            text = json_format.MessageToJson(message, indent=None, preserving_proto_field_name=snake,
                                             including_default_value_fields=rng.random() < 0.5)
            data = peer.encode(name, text)
            assert isinstance(data, bytes), (data, text)
            assert same(types[name].FromString(data), message), (text, data)


def check_damaged(peer, types, rng):
    """Bytes that python refuses are refused; what it reads is read alike or refused for its UTF-8."""
    for _ in range(ROUNDS):
        name = rng.choice(list(types))
        message = types[name]()
        fill(message, rng, 1)
        data = bytearray(message.SerializeToString())
        for _ in range(rng.randrange(1, 4)):
            if data:
                data[rng.randrange(len(data))] = rng.randrange(256)
        text = peer.decode(name, bytes(data))
        if text.startswith("!"):
            continue
        json.loads(text)


def main():
    types, rng = load(sys.argv[2]), random.Random(20)
    peer = Peer(sys.argv[1])
    check_both_ways(peer, types, rng)
    check_damaged(peer, types, rng)
    peer.close()
    print(f"{ROUNDS} messages both ways, {ROUNDS} damaged")


main()
