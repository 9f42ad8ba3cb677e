"""Riders who ride all the time, and a log of what Atlas told them it had accepted."""

import itertools
import random
import threading
import time
import uuid
from dataclasses import dataclass, field

from wait import wait_until

# Answers that mean "try again": a server behind Atlas, or Atlas itself, is away.
AWAY = frozenset({503, 504})


@dataclass
class Log:
    """What was promised. Appended to by riders, read by checks."""

    credits: dict = field(default_factory=dict)   # reference -> (user, amount)
    orders: list = field(default_factory=list)    # accepted, with a reply
    finished: list = field(default_factory=list)  # told to be FINISHED
    faults: list = field(default_factory=list)    # what should not have happened, in words


class Stopped(Exception):
    """The traffic ends while a rider waits."""


class Rider(threading.Thread):
    """One passenger and one driver, far from the others, ride after ride. A step that gets no answer,
    or one in `tolerated`, is asked again with the same content; any other answer is a fault."""

    def __init__(self, number, rest, log, stop, tolerated, deadline_s):
        super().__init__(name=f"rider-{number}", daemon=True)
        self._rest = rest
        self._log = log
        self._stop_event = stop
        self._tolerated = tolerated
        self._deadline_s = deadline_s
        run = uuid.uuid4().hex[:8]
        self._passenger, self._driver = f"p{number}-{run}", f"d{number}-{run}"
        self._place = {"latitude": -60.0 + random.random() * 120, "longitude": -170 + random.random() * 340}

    def run(self):
        try:
            while not self._stop_event.is_set():
                self._ride()
        except Stopped:
            pass
        except Exception as error:  # a rider must not die in silence
            self._log.faults.append(f"{self.name}: {type(error).__name__}: {error}")
        finally:
            self._rest.close()

    def _ride(self):
        self._credit()
        order = self._create()
        self._get_matched(order)
        for status in ("STARTED", "FINISHED"):
            self._ask("PUT", "/driver/order/status",
                      {"order_id": order, "status": status, "driver_id": self._driver})
        self._log.finished.append(order)

    def _credit(self):
        reference, amount = uuid.uuid4().hex, random.randrange(1, 1_000_000)
        self._ask("POST", "/customer/wallet/credit",
                  {"user_id": self._passenger, "amount_minor": str(amount), "reference_id": reference})
        self._log.credits[reference] = (self._passenger, amount)

    def _create(self):
        latitude, longitude = self._place["latitude"], self._place["longitude"]
        reply = self._ask("POST", "/customer/order",
                          {"passenger_id": self._passenger, "pickup_lat": latitude,
                           "pickup_long": longitude, "dropoff_lat": latitude + 0.02,
                           "dropoff_long": longitude + 0.01})
        self._log.orders.append(reply["order_id"])
        return reply["order_id"]

    def _get_matched(self, order):
        deadline = time.monotonic() + self._deadline_s
        for attempt in itertools.count():
            if attempt % 20 == 0:
                self._ask("POST", "/driver/location", {"driver_id": self._driver, **self._place})
            state = self._ask("GET", f"/customer/order?id={order}")["status"]
            if state != "CREATED":
                return
            self._ask("POST", "/customer/ride/request", {"order_id": order}, also=(409,))
            self._pause(0.02)
            if time.monotonic() > deadline:
                raise TimeoutError(f"order {order} still CREATED after {self._deadline_s} s")

    def _ask(self, method, path, body=None, also=()):
        deadline = time.monotonic() + self._deadline_s
        while True:
            try:
                reply = self._rest.request(method, path, body)
                answer = f"{reply.status} {reply.text}"
                if reply.status == 200:
                    return reply.json
                if reply.status in also:
                    return None
                if reply.status not in self._tolerated:
                    self._log.faults.append(f"{self.name}: {method} {path} {body}: {answer}")
            except OSError as error:
                answer = f"no reply: {error}"
                if not self._tolerated:
                    self._log.faults.append(f"{self.name}: {method} {path} {body}: {answer}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{method} {path} {body}: at last {answer}")
            self._pause(0.05)

    def _pause(self, seconds):
        if self._stop_event.wait(seconds):
            raise Stopped()


class Traffic:
    """with Traffic(deployment, tolerated=AWAY) as traffic: traffic.wait_rides(20); ..."""

    def __init__(self, deployment, *, riders=4, tolerated=frozenset(), deadline_s=60.0):
        self.log = Log()
        self._stop = threading.Event()
        self._riders = [Rider(number, deployment.rest(), self.log, self._stop, tolerated, deadline_s)
                        for number in range(riders)]

    def __enter__(self):
        for rider in self._riders:
            rider.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for rider in self._riders:
            rider.join(30.0)

    def wait_rides(self, count, timeout_s=60.0):
        """Waits until `count` more rides were finished, all of them while this waits."""
        target = len(self.log.finished) + count
        wait_until(lambda: len(self.log.finished) >= target or self.log.faults
                   or not any(rider.is_alive() for rider in self._riders),
                   f"{count} more rides", timeout_s)
        self.assert_no_faults()
        assert len(self.log.finished) >= target, "all riders have given up"

    def assert_no_faults(self):
        assert not self.log.faults, "\n".join(self.log.faults[:10])
