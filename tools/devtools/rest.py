"""A REST client that keeps one connection, as an app would."""

import http.client
import json
import socket
from dataclasses import dataclass


@dataclass
class Reply:
    status: int
    headers: dict
    text: str

    @property
    def json(self):
        return json.loads(self.text)


class Rest:
    def __init__(self, port, timeout_s=10.0):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)

    def request(self, method, path, body=None, headers=None):
        """body: a dict becomes JSON, text and bytes go as they are. OSError if no reply came."""
        data = json.dumps(body) if isinstance(body, dict) else body
        all_headers = {"Content-Type": "application/json", **(headers or {})} if data else headers or {}
        try:
            self._connection.request(method, path, data, all_headers)
            reply = self._connection.getresponse()
            return Reply(reply.status, dict(reply.getheaders()), reply.read().decode())
        except (http.client.HTTPException, OSError) as error:
            self._connection.close()
            raise error if isinstance(error, OSError) else OSError(str(error)) from error

    def get(self, path):
        return self.request("GET", path)

    def post(self, path, body):
        return self.request("POST", path, body)

    def put(self, path, body):
        return self.request("PUT", path, body)

    def close(self):
        self._connection.close()


def raw_request(port, data, timeout_s=5.0):
    """Sends bytes as they are and returns all that comes back until the server closes or is quiet."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except (TimeoutError, ConnectionResetError):
            pass
        return received
