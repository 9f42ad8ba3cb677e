"""The host ends: asked to (SIGTERM), or killed between a commit and its event."""

import http.client
import signal
import threading

from audit import check_at_rest
from ride import Ride
from traffic import AWAY, Traffic
from wait import wait_until


class Knocker(threading.Thread):
    """Opens a connection per request until one is refused. A connection that was accepted and then got
    no answer is lost."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self._port = port
        self.answered, self.lost, self.refused = 0, [], False

    def run(self):
        while not self.refused:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=15)
            try:
                connection.connect()
            except OSError:
                self.refused = True
                return
            try:
                connection.request("GET", "/customer/overview?user_id=knocker")
                connection.getresponse().read()
                self.answered += 1
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
            finally:
                connection.close()


def test_sigterm_loses_no_accepted_connection(atlas):
    host = atlas.hosts.serving("gateway")
    knockers = [Knocker(atlas.addresses.listeners["gateway"]) for _ in range(4)]
    for knocker in knockers:
        knocker.start()
    wait_until(lambda: sum(knocker.answered for knocker in knockers) > 50, "the knockers to be at work")
    ended_by_itself = host.process.stop(timeout_s=20.0)
    for knocker in knockers:
        knocker.join(20.0)
    atlas.restart(host)
    assert ended_by_itself, "the host did not leave when asked"
    assert [loss for knocker in knockers for loss in knocker.lost] == []


def test_sigterm_under_traffic(atlas, servers):
    """Every process in turn is asked to leave and started again; riders see it away, and lose nothing."""
    with Traffic(atlas, tolerated=AWAY) as traffic:
        for host in atlas.hosts.all:
            traffic.wait_rides(3)
            assert host.process.stop(timeout_s=20.0), f"{host.name} did not leave when asked"
            atlas.restart(host)
        traffic.wait_rides(5)
    check_at_rest(servers, traffic.log)


def test_kill_between_commit_and_event(atlas, rest, servers):
    """The ride is FINISHED in PostgreSQL while Kafka does not take the event, and the host dies there.
    The fare is charged, once, after everything is back."""
    ride = Ride(rest)
    ride.credit(1_000_000)
    ride.ride_to("STARTED")
    host = atlas.hosts.serving("order")
    servers.kafka.process.send(signal.SIGSTOP)
    try:
        assert ride.move("FINISHED").status == 200
        waiting = servers.postgres.psql(f"""SELECT count(*) FROM "order".outbox WHERE key = '{ride.order}'""")
        host.process.kill()
    finally:
        servers.kafka.process.send(signal.SIGCONT)
    assert int(waiting) >= 1
    atlas.restart(host)
    rest.close()  # its connection went with the host
    wait_until(lambda: ride.balance() == 1_000_000 - ride.price, "the fare to be charged", 60.0)
    check_at_rest(servers)


def test_kill_under_traffic(atlas, servers):
    with Traffic(atlas, tolerated=AWAY) as traffic:
        for host in atlas.hosts.all:
            traffic.wait_rides(3)
            host.process.kill()
            atlas.restart(host)
        traffic.wait_rides(5)
    check_at_rest(servers, traffic.log)
