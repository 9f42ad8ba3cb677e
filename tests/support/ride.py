"""The steps of a ride over REST, as a test takes them one by one."""

import random
import uuid

from wait import wait_until


def new_id(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def lonely_place():
    """Latitude and longitude where no other test has drivers."""
    return round(random.uniform(-60, 60), 4), round(random.uniform(-170, 170), 4)


class Ride:
    """A passenger and a driver at a place of their own, through one REST client."""

    def __init__(self, rest, place=None):
        self.rest = rest
        self.passenger, self.driver = new_id("passenger"), new_id("driver")
        self.latitude, self.longitude = place or lonely_place()
        self.order = None
        self.price = None

    def credit(self, amount, reference=None):
        reply = self.rest.post("/customer/wallet/credit",
                               {"user_id": self.passenger, "amount_minor": amount,
                                "reference_id": reference or new_id("credit")})
        assert reply.status == 200, reply.text
        return reply.json

    def balance(self):
        reply = self.rest.get(f"/customer/wallet?user_id={self.passenger}")
        assert reply.status == 200, reply.text
        return int(reply.json["balance_minor"])

    def place_driver(self):
        reply = self.rest.post("/driver/location", {"driver_id": self.driver, "latitude": self.latitude,
                                                    "longitude": self.longitude})
        assert (reply.status, reply.json) == (200, {"accepted": True}), reply.text

    def create(self):
        reply = self.rest.post("/customer/order",
                               {"passenger_id": self.passenger, "pickup_lat": self.latitude,
                                "pickup_long": self.longitude, "dropoff_lat": self.latitude + 0.05,
                                "dropoff_long": self.longitude + 0.05})
        assert reply.status == 200, reply.text
        self.order, self.price = reply.json["order_id"], int(reply.json["price_minor"])
        return reply.json

    def show(self):
        reply = self.rest.get(f"/customer/order?id={self.order}")
        assert reply.status == 200, reply.text
        return reply.json

    def request(self):
        """Asks for a driver until one was found; returns that answer."""

        def asked():
            reply = self.rest.post("/customer/ride/request", {"order_id": self.order})
            assert reply.status == 200, reply.text
            return reply.json if reply.json["status"] == "DRIVERS_FOUND" else None

        return wait_until(asked, "a driver to be found", 20.0, pause_s=0.1)

    def wait_matched(self):
        return wait_until(lambda: (order := self.show())["status"] == "MATCHED" and order,
                          "the order to be MATCHED", 20.0)

    def move(self, status):
        return self.rest.put("/driver/order/status",
                             {"order_id": self.order, "status": status, "driver_id": self.driver})

    def ride_to(self, status):
        """From nothing to CREATED, MATCHED, STARTED or FINISHED."""
        self.place_driver()
        self.create()
        if status == "CREATED":
            return
        self.request()
        self.wait_matched()
        for step in ("STARTED", "FINISHED"):
            if status in ("STARTED", "FINISHED") and (step == "STARTED" or status == "FINISHED"):
                reply = self.move(step)
                assert reply.status == 200, reply.text
