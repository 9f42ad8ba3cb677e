"""HTTP/2 frames by hand, for clients that a library would not let us be."""

import socket
import struct

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def _string(data):
    if len(data) < 127:
        return bytes([len(data)]) + data
    rest, text = len(data) - 127, b"\x7f"
    while rest >= 128:
        text, rest = text + bytes([rest % 128 | 128]), rest // 128
    return text + bytes([rest]) + data


def field(name, value, keep=False):
    """A literal header field; keep: it goes into the dynamic table, where 0xbe refers to the last one."""
    return (b"\x40" if keep else b"\x00") + _string(name) + _string(value)


def request(path, *more):
    """The header block of a gRPC request; more: (name, value)."""
    return (b"\x83\x86" + field(b":path", path.encode()) + field(b":authority", b"x") + field(b"te", b"trailers") +
            field(b"content-type", b"application/grpc") + b"".join(field(*one) for one in more))


def message(data=b""):
    return b"\0" + struct.pack(">I", len(data)) + data


class Peer:
    """A connection that has said hello."""

    def __init__(self, port, settings=b""):
        self.is_ended = False  # the host has closed
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.send(PREFACE + frame(SETTINGS, 0, 0, settings) + frame(SETTINGS, 1, 0))

    def send(self, data):
        """All of it, or what fits before the host has enough."""
        try:
            self.socket.sendall(data)
        except OSError:
            pass

    def frames(self, until=lambda one: False, timeout=10):
        """(kind, flags, stream, payload) of each frame, until one that until() wants, the end, or silence."""
        self.socket.settimeout(timeout)
        received, buffered = [], b""
        try:
            while part := self.socket.recv(65536):
                buffered += part
                while len(buffered) >= 9 and len(buffered) >= 9 + (length := int.from_bytes(buffered[:3], "big")):
                    one = (buffered[3], buffered[4], int.from_bytes(buffered[5:9], "big") & 0x7fffffff,
                           buffered[9:9 + length])
                    buffered = buffered[9 + length:]
                    received.append(one)
                    if until(one):
                        return received
            self.is_ended = True
        except ConnectionResetError:
            self.is_ended = True
        except TimeoutError:
            pass
        return received

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.close()
