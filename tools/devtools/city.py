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

_SIZE = 0.08  # of the city, a box of about 9 km, in degrees
_STEP = 0.006  # how far a driver moves between two reports, in degrees

# How long something is asked again while Atlas or a server behind it is away, and how long a rider waits for
# a driver and for the fare to be taken, in seconds.
_PATIENCE_S, _WAIT_FOR_DRIVER_S, _WAIT_FOR_CHARGE_S = 60.0, 15.0, 15.0
_AWAY = (503, 504)


@dataclass
class Driver:
    name: str
    place: tuple
    target: tuple
    is_busy: bool = False

    def move(self):
        """One step towards the target."""
        north, east = self.target[0] - self.place[0], self.target[1] - self.place[1]
        distance = max((north * north + east * east) ** 0.5, 1e-9)
        share = min(1.0, _STEP / distance)
        self.place = (self.place[0] + north * share, self.place[1] + east * share)
        if share == 1.0:
            self.place = self.target

    def has_arrived(self):
        return self.place == self.target


@dataclass
class Figures:
    """What the summary shows; written by all threads, one number at a time."""

    counts: Counter = field(default_factory=Counter)
    latencies_ms: deque = field(default_factory=lambda: deque(maxlen=2000))
    fares_minor: int = 0
    last_error: str = ""
    last_error_at: float = 0.0  # time.monotonic()


class City:
    """Starts its people in start(); ends them in stop(). rest: makes a REST client."""

    def __init__(self, rest, drivers, riders):
        run = uuid.uuid4().hex[:6]
        self.figures = Figures()
        # Each city lies elsewhere: the drivers of one that has just ended are still shown for a while.
        self._south, self._west = random.randrange(-60, 60), random.randrange(-170, 170)
        self.drivers = {name: Driver(name, self._anywhere(), self._anywhere())
                        for name in (f"driver-{run}-{number}" for number in range(drivers))}
        self._rest = rest
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._report, args=(part,), daemon=True)
                         for part in self._shares(4)]
        self._threads += [threading.Thread(target=self._ride_on, args=(f"rider-{run}-{number}",), daemon=True)
                          for number in range(riders)]

    def _anywhere(self):
        return self._south + random.random() * _SIZE, self._west + random.random() * _SIZE

    def share_of_way(self, place):
        """How far north and east in the city a place lies, each from 0 to 1."""
        return (place[0] - self._south) / _SIZE, (place[1] - self._west) / _SIZE

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
        """The reply as JSON. While Atlas is away the same is asked again, which is safe: every request
        here may be repeated, but for the creation of an order, which then costs nothing. None after a
        refusal, after _PATIENCE_S, or when the city ends."""
        deadline = time.monotonic() + _PATIENCE_S
        while not self._stop.is_set() and time.monotonic() < deadline:
            began = time.monotonic()
            try:
                reply = rest.request(method, path, body)
            except OSError as error:
                self._fail(f"{path}: {error}")
                self._stop.wait(0.5)
                continue
            self.figures.latencies_ms.append((time.monotonic() - began) * 1000)
            self.figures.counts["requests"] += 1
            if reply.status == 200:
                return reply.json
            self._fail(f"{path}: {reply.status} {reply.text[:100]}")
            if reply.status not in _AWAY:
                return None
            self._stop.wait(0.5)
        return None

    def _fail(self, text):
        self.figures.counts["errors"] += 1
        self.figures.last_error = text
        self.figures.last_error_at = time.monotonic()

    def _report(self, drivers):
        """Moves these drivers and tells where they are, about once a second each."""
        rest = self._rest()
        while not self._stop.is_set():
            for driver in drivers:
                driver.move()
                if driver.has_arrived() and not driver.is_busy:
                    driver.target = self._anywhere()
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
        pickup, dropoff = self._anywhere(), self._anywhere()
        self._ask(rest, "POST", "/customer/wallet/credit",
                  {"user_id": rider, "amount_minor": random.randrange(100_000, 500_000),
                   "reference_id": uuid.uuid4().hex})
        order = self._ask(rest, "POST", "/customer/order",
                          {"passenger_id": rider, "pickup_lat": pickup[0], "pickup_long": pickup[1],
                           "dropoff_lat": dropoff[0], "dropoff_long": dropoff[1]})
        if order is None:
            return
        self.figures.counts["ordered"] += 1
        driver = self._find_driver(rest, order["order_id"])
        if driver is None:
            if not self._stop.is_set():
                self.figures.counts["gave up"] += 1
            return
        self.figures.counts["matched"] += 1
        before = self._balance(rest, rider)
        if self._drive(rest, driver, order["order_id"], pickup, dropoff):
            self.figures.counts["finished"] += 1
            self._wait_for_charge(rest, rider, before, int(order["price_minor"]))

    def _find_driver(self, rest, order):
        deadline = time.monotonic() + _WAIT_FOR_DRIVER_S
        while time.monotonic() < deadline and not self._stop.is_set():
            view = self._ask(rest, "GET", f"/customer/order?id={order}")
            if view and view["status"] == "MATCHED":
                return self.drivers.get(view["driver_id"])
            self._ask(rest, "POST", "/customer/ride/request", {"order_id": order})
            self._stop.wait(0.25)
        return None

    def _drive(self, rest, driver, order, pickup, dropoff):
        driver.is_busy = True
        try:
            for target, status in ((pickup, "STARTED"), (dropoff, "FINISHED")):
                driver.target = target
                while not driver.has_arrived():
                    if self._stop.wait(0.1):
                        return False
                if self._ask(rest, "PUT", "/driver/order/status",
                             {"order_id": order, "status": status, "driver_id": driver.name}) is None:
                    return False
            return True
        finally:
            driver.is_busy = False
            driver.target = self._anywhere()

    def _balance(self, rest, rider):
        wallet = self._ask(rest, "GET", f"/customer/wallet?user_id={rider}")
        return int(wallet["balance_minor"]) if wallet else None

    def _wait_for_charge(self, rest, rider, before, price_minor):
        """The fare is taken when the event of the finished order has gone round."""
        deadline = time.monotonic() + _WAIT_FOR_CHARGE_S
        while before is not None and time.monotonic() < deadline and not self._stop.is_set():
            if self._balance(rest, rider) == before - price_minor:
                self.figures.counts["paid"] += 1
                self.figures.fares_minor += price_minor
                return
            self._stop.wait(0.1)


def draw(city, width=56, height=16):
    """The city as text: o a free driver, # one with a ride."""
    rows = [[" "] * width for _ in range(height)]
    for driver in list(city.drivers.values()):
        north, east = city.share_of_way(driver.place)
        row = height - 1 - int(north * (height - 1) + 0.5)
        column = int(east * (width - 1) + 0.5)
        if 0 <= row < height and 0 <= column < width:
            rows[row][column] = "#" if driver.is_busy else "o"
    edge = "+" + "-" * width + "+"
    return "\n".join([edge, *(f"|{''.join(row)}|" for row in rows), edge])
