"""tools/dev demo: a small simulated city against what is up, with a live summary on one screen."""

import argparse
import sys
import time

import city
import state
from failure import Failure, reported
from rest import Rest


def _parse(arguments):
    parser = argparse.ArgumentParser(prog="tools/dev demo")
    parser.add_argument("--seconds", type=float, default=60, help="how long it runs (60)")
    parser.add_argument("--drivers", type=int, default=40, help="at most 500 (40)")
    parser.add_argument("--riders", type=int, default=12, help="at most 200 (12)")
    parser.add_argument("--rest", type=int, metavar="PORT", help="the gateway's port, if not of `up`")
    options = parser.parse_args(arguments)
    options.drivers, options.riders = min(options.drivers, 500), min(options.riders, 200)
    return options


def _gateway_port(options):
    if options.rest:
        return options.rest
    running, facts = state.alive()
    if not running:
        raise Failure("nothing is up; run 'tools/dev up' first")
    return facts["addresses"]["listeners"]["gateway"]


def _summary(town, elapsed_s):
    figures = town.figures
    counts = figures.counts
    sorted_ms = sorted(figures.latencies_ms) or [0.0]
    median, late = sorted_ms[len(sorted_ms) // 2], sorted_ms[int(len(sorted_ms) * 0.99)]
    busy = sum(driver.is_busy for driver in town.drivers.values())
    lines = [
        f"{elapsed_s:5.0f} s   drivers {len(town.drivers)}, on a ride {busy}   positions {counts['positions']}",
        f"rides     ordered {counts['ordered']}, matched {counts['matched']}, "
        f"finished {counts['finished']}, gave up {counts['gave up']}",
        f"money     fares {figures.fares_minor / 100:,.2f}",
        f"requests  {counts['requests']} ({counts['requests'] / max(elapsed_s, 0.1):.0f}/s), "
        f"median {median:.1f} ms, 99 % {late:.1f} ms, errors {counts['errors']}",
    ]
    if figures.last_error:
        lines.append(f"last error: {figures.last_error}")
    return "\n".join(lines)


def _show(town, seconds):
    """Draws in place until the time is over; without a terminal, only waits."""
    is_live = sys.stdout.isatty()
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        if is_live:
            screen = f"{city.draw(town)}\n{_summary(town, elapsed)}\n"
            print("\x1b[H\x1b[2J" + screen, end="", flush=True)
        time.sleep(min(0.25, seconds))



@reported
def main(arguments):
    options = _parse(arguments)
    port = _gateway_port(options)
    town = city.City(lambda: Rest(port), options.drivers, options.riders)
    town.start()
    began = time.monotonic()
    try:
        _show(town, options.seconds)
    except KeyboardInterrupt:
        pass
    town.stop()
    if not sys.stdout.isatty():
        print(city.draw(town))
    print(_summary(town, time.monotonic() - began))
    return 0 if town.figures.counts["finished"] else 1
