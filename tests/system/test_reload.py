"""SIGHUP under traffic: a changed plugin takes over, a broken one changes nothing; no call fails."""

import re

import plugin_files
import pytest
from audit import check_at_rest
from traffic import Traffic


@pytest.fixture
def plugin_file(atlas, request):
    """A private copy of a plugin that the deployment runs from; back to the built one afterwards."""
    plugin = request.param
    copy = atlas.folder / f"{plugin}-test.so"
    source = plugin_files.built(plugin, atlas.preset)
    copy.write_bytes(source.read_bytes())
    atlas.configure(f'plugins = {{ {plugin} = {{ path = "{copy}"; }}; }};\n')
    yield plugin, source, copy
    atlas.configure("")
    position = atlas.reload(plugin)
    atlas.wait_log(plugin, position, "reload done|nothing to reload")


def _generations(atlas, plugin):
    metrics = atlas.metrics(plugin)
    return {part.split('"')[1] for name in metrics if f'plugin="{plugin}"' in name
            for part in name.split(",") if "generation=" in part}


@pytest.mark.parametrize("plugin_file", ["order", "gateway", "wallet"], indirect=True)
def test_changed_plugin_takes_over_under_traffic(atlas, servers, plugin_file):
    plugin, source, copy = plugin_file
    _, newer = plugin_files.next_version(source, copy)
    with Traffic(atlas) as traffic:
        traffic.wait_rides(5)
        position = atlas.reload(plugin)
        assert re.search(rf"plugin={plugin} version={newer}", atlas.wait_log(plugin, position, "reload done"))
        traffic.wait_rides(10)
    traffic.assert_no_faults()
    check_at_rest(servers, traffic.log)


@pytest.mark.parametrize("plugin_file", ["order"], indirect=True)
@pytest.mark.parametrize("damage", ["truncated", "other_abi", "no_symbol"])
def test_broken_plugin_changes_nothing(atlas, servers, plugin_file, damage):
    plugin, source, copy = plugin_file
    if damage == "truncated":
        plugin_files.truncated(source, copy)
    elif damage == "other_abi":
        plugin_files.patched(source, copy, "\nabi 1.0\n", "\nabi 9.0\n")
    else:
        plugin_files.without_symbol(plugin, copy)
    with Traffic(atlas) as traffic:
        traffic.wait_rides(3)
        before = _generations(atlas, plugin)
        position = atlas.reload(plugin)
        assert plugin in atlas.wait_log(plugin, position, "reload refused")
        traffic.wait_rides(5)
        assert _generations(atlas, plugin) == before
    traffic.assert_no_faults()
    check_at_rest(servers, traffic.log)


def test_broken_configuration_changes_nothing(atlas):
    with Traffic(atlas, riders=2) as traffic:
        traffic.wait_rides(2)
        atlas.configure("nonsense = { here = 1; };\n")
        try:
            position = atlas.reload("gateway")
            assert "nonsense" in atlas.wait_log("gateway", position, "reload refused")
        finally:
            atlas.configure("")
        traffic.wait_rides(3)
    traffic.assert_no_faults()


def test_change_that_needs_a_restart_is_said(atlas):
    """Servers and bounds stay what they are at a reload; the log says which change has no effect yet."""
    atlas.configure('redis = { port = 1; };\ngrpc = { streams = 77; };\n')
    try:
        position = atlas.reload("order")
        said = atlas.wait_log("order", position, "reload done")
        assert re.search(r"waits for a restart.*key=redis.port .*to=1\b", said)
        assert re.search(r"waits for a restart.*key=grpc.streams from=128 to=77", said)
    finally:
        atlas.configure("")
        atlas.reload("order")
