"""A small simulated city: drivers who move and report, riders who order, ride and pay.

Time in the city runs fast (drivers cover a street a second) and load is bounded: every rider and every
driver waits between its requests.
"""

import random
import threading
import time
import uuid
from collections import Counter, deque
from dataclasses import dataclass, field

_SOUTH, _WEST, _SIZE = -6.25, 106.77, 0.08  # a box of about 9 km, in degrees
_STEP = 0.006  # how far a driver moves between two reports, in degrees


def _anywhere():
    return _SOUTH + random.random() * _SIZE, _WEST + random.random() * _SIZE


@dataclass
class Driver:
    name: str
    place: tuple
    target: tuple
    is_busy: bool = False

    def move(self):
        """One step towards the target; a free driver who is there picks a new one."""
        north, east = self.target[0] - self.place[0], self.target[1] - self.place[1]
        distance = max((north * north + east * east) ** 0.5, 1e-9)
        share = min(1.0, _STEP / distance)
        self.place = (self.place[0] + north * share, self.place[1] + east * share)
        if share == 1.0 and not self.is_busy:
            self.target = _anywhere()

    def has_arrived(self):
        return self.place == self.target


@dataclass
class Figures:
    """What the summary shows; written by all threads, one number at a time."""

    counts: Counter = field(default_factory=Counter)
    latencies_ms: deque = field(default_factory=lambda: deque(maxlen=2000))
    fares_minor: int = 0
    last_error: str = ""


class City:
    """Starts its people in start(); ends them in stop(). rest: makes a REST client."""

    def __init__(self, rest, drivers, riders):
        run = uuid.uuid4().hex[:6]
        self.figures = Figures()
        self.drivers = {name: Driver(name, _anywhere(), _anywhere())
                        for name in (f"driver-{run}-{number}" for number in range(drivers))}
        self._rest = rest
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._report, args=(part,), daemon=True)
                         for part in self._shares(4)]
        self._threads += [threading.Thread(target=self._ride_on, args=(f"rider-{run}-{number}",), daemon=True)
                          for number in range(riders)]

    def start(self):
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(10.0)

    def _shares(self, count):
        everyone = list(self.drivers.values())
        return [everyone[start::count] for start in range(count)]

    def _ask(self, rest, method, path, body=None):
        """The reply as JSON, or None after a failure, which is counted and shown."""
        began = time.monotonic()
        try:
            reply = rest.request(method, path, body)
        except OSError as error:
            self._fail(f"{path}: {error}")
            self._stop.wait(0.5)
            return None
        self.figures.latencies_ms.append((time.monotonic() - began) * 1000)
        self.figures.counts["requests"] += 1
        if reply.status != 200:
            self._fail(f"{path}: {reply.status} {reply.text[:100]}")
            return None
        return reply.json

    def _fail(self, text):
        self.figures.counts["errors"] += 1
        self.figures.last_error = text

    def _report(self, drivers):
        """Moves these drivers and tells where they are, about once a second each."""
        rest = self._rest()
        while not self._stop.is_set():
            for driver in drivers:
                driver.move()
                latitude, longitude = driver.place
                if self._ask(rest, "POST", "/driver/location",
                             {"driver_id": driver.name, "latitude": latitude, "longitude": longitude}):
                    self.figures.counts["positions"] += 1
                if self._stop.wait(1.0 / max(len(drivers), 1)):
                    break
        rest.close()

    def _ride_on(self, rider):
        rest = self._rest()
        while not self._stop.wait(random.uniform(0.2, 1.5)):
            self._ride(rest, rider)
        rest.close()

    def _ride(self, rest, rider):
        pickup, dropoff = _anywhere(), _anywhere()
        self._ask(rest, "POST", "/customer/wallet/credit",
                  {"user_id": rider, "amount_minor": random.randrange(10_000, 500_000),
                   "reference_id": uuid.uuid4().hex})
        order = self._ask(rest, "POST", "/customer/order",
                          {"passenger_id": rider, "pickup_lat": pickup[0], "pickup_long": pickup[1],
                           "dropoff_lat": dropoff[0], "dropoff_long": dropoff[1]})
        if order is None:
            return
        self.figures.counts["ordered"] += 1
        driver = self._find_driver(rest, order["order_id"])
        if driver is None:
            self.figures.counts["gave up"] += 1
            return
        self.figures.counts["matched"] += 1
        if self._drive(rest, driver, order["order_id"], pickup, dropoff):
            self.figures.counts["finished"] += 1
            self.figures.fares_minor += int(order["price_minor"])

    def _find_driver(self, rest, order):
        for _ in range(60):
            view = self._ask(rest, "GET", f"/customer/order?id={order}")
            if view and view["status"] == "MATCHED":
                return self.drivers.get(view["driver_id"])
            self._ask(rest, "POST", "/customer/ride/request", {"order_id": order})
            if self._stop.wait(0.25):
                break
        return None

    def _drive(self, rest, driver, order, pickup, dropoff):
        driver.is_busy = True
        for target, status in ((pickup, "STARTED"), (dropoff, "FINISHED")):
            driver.target = target
            while not driver.has_arrived():
                if self._stop.wait(0.1):
                    return False
            if self._ask(rest, "PUT", "/driver/order/status",
                         {"order_id": order, "status": status, "driver_id": driver.name}) is None:
                return False
        driver.is_busy = False
        driver.target = _anywhere()
        return True


def draw(city, width=56, height=16):
    """The city as text: o a free driver, # one with a ride."""
    rows = [[" "] * width for _ in range(height)]
    for driver in list(city.drivers.values()):
        row = height - 1 - int((driver.place[0] - _SOUTH) / _SIZE * (height - 1) + 0.5)
        column = int((driver.place[1] - _WEST) / _SIZE * (width - 1) + 0.5)
        if 0 <= row < height and 0 <= column < width:
            rows[row][column] = "#" if driver.is_busy else "o"
    edge = "+" + "-" * width + "+"
    return "\n".join([edge, *(f"|{''.join(row)}|" for row in rows), edge])
