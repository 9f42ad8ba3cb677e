"""What operators see: health, readiness, metrics and logs, and how much the host takes."""

import re
import subprocess
from pathlib import Path

import paths
import pytest
from ride import Ride

SAMPLE = re.compile(r'^[a-z_][a-z0-9_]*(\{([a-z_]+="[^"]*",?)*\})? [-+0-9.e]+(Inf|NaN)?$')


def test_health_and_readiness(atlas):
    for host in atlas.hosts.all:
        assert host.admin("/healthz")[0] == 200
        assert host.admin("/readyz")[0] == 200
        assert host.admin("/nothing")[0] == 404


def test_metrics_count_calls(atlas, rest):
    ride = Ride(rest)
    ride.create()
    rest.get("/customer/order?id=not-a-uuid")

    status, text = atlas.hosts.serving("order").admin("/metrics")
    assert status == 200
    for line in text.splitlines():
        assert line.startswith("# ") or SAMPLE.match(line), line
    created = [line for line in text.splitlines() if "CreateOrder" in line and 'plugin="order"' in line]
    assert any('generation="' in line and 'status="OK"' in line for line in created)
    assert any("_bucket" in line and 'le="+Inf"' in line for line in created)
    for word in ("pool", "outbox", "lag"):
        assert word in text, f"no metric about {word}"


def _shown_metrics(hosts):
    """name -> labels, of all hosts."""
    shown = {}
    for text in (host.admin("/metrics")[1] for host in hosts):
        kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
        assert kinds.keys() == set(re.findall(r"^# HELP (\S+) \S", text, re.MULTILINE))
        for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
            family = re.sub("_(bucket|sum|count)$", "", name) if name not in kinds else name
            assert kinds[family] != "counter" or family.endswith("_total"), family
            shown.setdefault(family, set()).update(set(re.findall(r'(\w+)="', labels)) - {"le"})
    return shown


def test_metrics_are_those_of_the_documentation(atlas, rest):
    ride = Ride(rest)
    ride.create()
    page = (paths.ROOT / "docs" / "operators.md").read_text().split("## Every metric", 1)[1].split("\n## ", 1)[0]
    documented = {name: set(re.findall(r"`(\w+)`", labels))
                  for name, labels in re.findall(r"^\| `(\w+)` \| (.*?) ?\| ", page, re.MULTILINE)}
    assert _shown_metrics(atlas.hosts.all) == documented


def test_logs_are_key_value_lines(atlas):
    pair = re.compile(r'[a-z_][a-z0-9_.]*=("([^"\\]|\\.)*"|[^\s"]*)')
    for host in atlas.hosts.all:
        for line in host.log.read_text().splitlines():
            assert re.fullmatch(rf"{pair.pattern}( {pair.pattern})*", line), f"{host.name}: {line}"


def test_second_host_on_the_same_ports_is_refused(atlas):
    host = atlas.hosts.all[0]
    files = [word for file in host.config_files for word in ("-c", str(file))]
    done = subprocess.run([host.program, "run", *files, "--process", host.process_name], text=True,
                          capture_output=True, check=False, timeout=30)
    assert done.returncode > 0
    assert host.is_ready()


def test_resident_memory_is_bounded(atlas):
    if atlas.preset != "dev":
        pytest.skip("sanitizers take memory of their own")
    for host in atlas.hosts.all:
        status = Path(f"/proc/{host.process.pid}/status").read_text()
        resident_kb = int(re.search(r"VmRSS:\s+(\d+)", status).group(1))
        assert resident_kb < 200 * 1024, f"{host.name} has {resident_kb} kB"
