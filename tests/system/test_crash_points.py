"""The host kills itself at a chosen point (ATLAS_CRASH_POINT, host/base/crash_point.h) under traffic, and
is started again: nothing that riders were told is lost, and nothing is applied twice."""

import pytest
from audit import check_at_rest
from traffic import AWAY, Traffic
from wait import wait_until

# The point with the passage at which it strikes, and the plugin whose process it strikes.
POINTS = [
    ("outbox.before_publish:3", "order"),   # committed, not in Kafka
    ("outbox.after_publish:2", "dispatch"),  # in Kafka, still in the outbox: it comes twice
    ("postgres.after_commit:12", "wallet"),  # committed, and nobody was told
    ("postgres.after_commit:9", "order"),
]


def _waiting(servers):
    return int(servers.postgres.psql(
        'SELECT (SELECT count(*) FROM "order".outbox) + (SELECT count(*) FROM dispatch.outbox)'))


@pytest.mark.parametrize("point, plugin", POINTS)
def test_killed_at(atlas, servers, point, plugin):
    host = atlas.hosts.serving(plugin)
    assert host.process.stop(timeout_s=20.0)
    host.start({"ATLAS_CRASH_POINT": point})
    with Traffic(atlas, tolerated=AWAY) as traffic:
        wait_until(lambda: not host.process.is_alive(), f"{host.name} to be killed at {point}", 30.0)
        if point.startswith("outbox"):
            assert _waiting(servers) > 0
        atlas.restart(host)
        traffic.wait_rides(4)
    check_at_rest(servers, traffic.log)
