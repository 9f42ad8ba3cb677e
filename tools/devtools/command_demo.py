"""tools/dev demo: a small simulated city against what is up, with a live summary on one screen."""

import argparse
import shutil
import sys
import time

import city
import state
from failure import Failure, reported
from rest import Rest

_LINE_EVERY_S = 5.0


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
    sorted_ms = sorted(figures.latencies_ms.copy()) or [0.0]
    median, late = sorted_ms[len(sorted_ms) // 2], sorted_ms[int(len(sorted_ms) * 0.99)]
    busy = sum(driver.is_busy for driver in town.drivers.values())
    lines = [
        f"{elapsed_s:5.0f} s   drivers {len(town.drivers)}, on a ride {busy}   positions {counts['positions']}",
        f"rides     ordered {counts['ordered']}, matched {counts['matched']}, "
        f"finished {counts['finished']}, paid {counts['paid']}, gave up {counts['gave up']}",
        f"money     fares {figures.fares_minor / 100:,.2f}",
        f"requests  {counts['requests']} ({counts['requests'] / max(elapsed_s, 0.1):.0f}/s), "
        f"median {median:.1f} ms, 99 % {late:.1f} ms, errors {counts['errors']}",
    ]
    if figures.last_error:
        ago_s = time.monotonic() - figures.last_error_at
        lines.append(f"last error, {ago_s:.0f} s ago: {figures.last_error}")
    return "\n".join(lines)


def _line(town, elapsed_s):
    counts = town.figures.counts
    return (f"{elapsed_s:4.0f} s  positions {counts['positions']}, rides ordered {counts['ordered']}, "
            f"finished {counts['finished']}, paid {counts['paid']}, errors {counts['errors']}")


def _paint(town, elapsed_s):
    """One frame over the last one: line by line, so that it does not flicker; nothing wraps."""
    columns, rows = shutil.get_terminal_size()
    height = max(rows - 9, 4)
    picture = city.draw(town, width=min(56, columns - 3), height=min(16, height))
    lines = f"{picture}\n{_summary(town, elapsed_s)}".splitlines()
    sys.stdout.write("\x1b[H" + "".join(line[:columns - 1] + "\x1b[K\n" for line in lines) + "\x1b[J")
    sys.stdout.flush()


def _show(town, seconds):
    """Until the time is over: on a terminal frames in place, else a line now and then."""
    is_live = sys.stdout.isatty()
    began = last_line = time.monotonic()
    if is_live:
        sys.stdout.write("\x1b[2J\x1b[?25l")  # a clear screen without a cursor
    try:
        while (now := time.monotonic()) - began < seconds:
            if is_live:
                _paint(town, now - began)
            elif now - last_line >= _LINE_EVERY_S:
                print(_line(town, now - began), flush=True)
                last_line = now
            time.sleep(min(0.25, seconds))
    finally:
        if is_live:
            sys.stdout.write("\x1b[?25h")


@reported
def main(arguments):
    options = _parse(arguments)
    port = _gateway_port(options)
    town = city.City(lambda: Rest(port), options.drivers, options.riders)
    town.start()
    began = time.monotonic()
    is_interrupted = False
    try:
        _show(town, options.seconds)
    except KeyboardInterrupt:
        is_interrupted = True
    elapsed_s = time.monotonic() - began
    town.stop()
    if sys.stdout.isatty():
        _paint(town, elapsed_s)
    else:
        print(_summary(town, elapsed_s))
    return 0 if town.figures.counts["finished"] or is_interrupted else 1
