"""tools/dev up: build, start the servers and Atlas, print a ride to try."""

import argparse
from dataclasses import asdict

import build
import config
import interrupt
import paths
import port_holder
import ports
import state
from command_down import stop_all
from failure import Failure, reported
from say import line, say, step
from stack import Hosts, Servers


def _parse(arguments):
    parser = argparse.ArgumentParser(prog="tools/dev up")
    parser.add_argument("--split", action="store_true", help="one process per service")
    parser.add_argument("--kafka", action="store_true", help="Apache Kafka, not the embedded broker")
    return parser.parse_args(arguments)


def who_has(port):
    """What has the port, and what to do if that is not a process to end."""
    holder = port_holder.find(port)
    if holder is None:
        return "a process that has bound it without listening"
    process = holder.process or "a process of another user"
    if not holder.peer:
        return process
    if holder.has_ended:
        connection = (f"an outgoing connection to {holder.peer} that has ended, for which the kernel keeps this port\n"
                      "    for a minute; wait that long,")
    else:
        connection = (f"an outgoing connection of {process} to {holder.peer}, which the kernel gave this port; wait\n"
                      "    until it ends,")
    return (f"{connection} or keep the ports of Atlas out of the kernel's range for such connections:\n"
            "    sysctl -w net.ipv4.ip_local_reserved_ports=50051-50054")


def _refuse_taken(named_ports):
    taken = [f"  {port} ({what}): {who_has(port)}"
             for what, port in named_ports.items() if not ports.is_free(port)]
    if taken:
        raise Failure("these ports are taken; end what holds them:\n" + "\n".join(taken))


def _start(options, addresses):
    folder = paths.ensure_run_dir()
    overlay = folder / "dev.cfg"
    overlay.write_text(config.overlay(addresses, folder))
    servers = Servers(folder, addresses, real_kafka=options.kafka)
    hosts = Hosts(folder, [config.CONFIG, overlay], addresses, split=options.split)
    everything = [*servers.all, *hosts.all]

    def started():
        return [one.process for one in everything if one.process]

    def note(is_up=False):  # after each start, so that nothing is forgotten if this process is killed
        state.save(started(), {"is_up": is_up, "addresses": asdict(addresses)})

    try:
        with step("starting PostgreSQL, Redis and " + ("Kafka" if options.kafka else "the broker")):
            servers.start(note)
        with step("starting Atlas" + (" as five processes" if options.split else "")):
            hosts.start(note)
        interrupt.check()
        note(is_up=True)
    except BaseException:
        stop_all(started())
        state.forget()
        raise
    return hosts


def _end_remains():
    """Ends what is left of an `up` that was killed, or of which a part has ended; a Failure if all of it
    runs."""
    processes, facts = state.load()
    running = [one for one in processes if one.is_alive()]
    if not running:
        return
    names = ", ".join(f"{one.name} (pid {one.pid})" for one in running)
    gone = ", ".join(one.name for one in processes if one not in running)
    if not gone and facts.get("is_up"):
        raise Failure(f"already up: {names}. 'tools/dev down' ends it")
    line(f"{gone or 'tools/dev up'} has ended without the rest; ending that, too: {names}")
    stop_all(running)


def _print_where(hosts, addresses):
    say("")
    for name, port in addresses.listeners.items():
        is_rest = name == "gateway"
        say(f"{'REST' if is_rest else 'gRPC'}   {'http://' if is_rest else ''}127.0.0.1:{port}  {name}")
    for host in hosts.all:
        say(f"admin  http://127.0.0.1:{host.admin_port}/metrics  {host.name}, log {host.log}")
    say("\nA whole ride (paste it into a shell):\n")
    say((paths.ROOT / "tools" / "ride.sh").read_text().split("\n\n", 1)[1])
    say("tools/dev demo shows a city at work; tools/dev down ends it all.")


def _up(options):
    addresses = config.Addresses.well_known()
    _end_remains()
    named_ports = addresses.named(config.FIVE_PROCESSES if options.split else config.ONE_PROCESS)
    _refuse_taken(named_ports)
    with step("building (build/dev; the first time takes a minute)"):
        build.build("dev")
    _refuse_taken(named_ports)  # others had time to take one
    hosts = _start(options, addresses)
    line("ready")
    _print_where(hosts, addresses)


@reported
def main(arguments):
    options = _parse(arguments)
    paths.refuse_what_others_made()
    with state.changing():
        _up(options)
    return 0
