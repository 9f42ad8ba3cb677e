"""tools/dev up: build, start the servers and Atlas, print a ride to try."""

import argparse

import build
import config
import paths
import ports
import state
from command_down import stop_all
from failure import Failure, reported
from say import line, step
from stack import Hosts, Servers


def _parse(arguments):
    parser = argparse.ArgumentParser(prog="tools/dev up")
    parser.add_argument("--split", action="store_true", help="one process per service")
    parser.add_argument("--kafka", action="store_true", help="Apache Kafka, not the embedded broker")
    return parser.parse_args(arguments)


def _refuse_taken(split):
    processes = config.FIVE_PROCESSES if split else config.ONE_PROCESS
    wanted = {**config.SERVER_PORTS, "REST": config.REST_PORT,
              **{f"gRPC {name}": port for name, port in config.GRPC_PORTS.items()},
              **{f"admin {name}": port for name, port in processes.items()}}
    taken = [f"  {port} ({what}): {ports.holder(port) or 'a process of another user'}"
             for what, port in wanted.items() if not ports.is_free(port)]
    if taken:
        raise Failure("these ports are taken; end what holds them or change etc/atlas.cfg:\n"
                      + "\n".join(taken))


def _start(options, known):
    folder = paths.ensure_run_dir()
    servers = Servers(folder, known, real_kafka=options.kafka)
    hosts = Hosts(folder, config.CONFIG, known, split=options.split)
    facts = {"split": options.split, "kafka": options.kafka}
    everything = [*servers.all, *hosts.all]
    try:
        with step("starting PostgreSQL, Redis and " + ("Kafka" if options.kafka else "the broker")):
            servers.start()
        with step("starting Atlas" + (" as five processes" if options.split else "")):
            hosts.start()
    except BaseException:
        stop_all([one.process for one in everything if one.process])
        raise
    state.save([one.process for one in everything], facts)
    return hosts


def _print_where(hosts):
    print(f"\nREST     http://127.0.0.1:{config.REST_PORT}")
    for name, port in config.GRPC_PORTS.items():
        print(f"gRPC     127.0.0.1:{port}  {name}")
    for host in hosts.all:
        print(f"admin    http://127.0.0.1:{host.admin_port}/metrics  {host.process_name}, log {host.log}")
    print("\nA whole ride (paste it into a shell):\n")
    print((paths.ROOT / "tools" / "ride.sh").read_text().split("\n\n", 1)[1])
    print("tools/dev demo shows a city at work; tools/dev down ends it all.")


@reported
def main(arguments):
    options = _parse(arguments)
    running, _ = state.alive()
    if running:
        names = ", ".join(f"{one.name} (pid {one.pid})" for one in running)
        raise Failure(f"already up: {names}. 'tools/dev down' ends it")
    _refuse_taken(options.split)
    with step("building (build/dev; the first time takes a minute)"):
        build.build("dev")
    hosts = _start(options, config.well_known())
    line("ready")
    _print_where(hosts)
    return 0
