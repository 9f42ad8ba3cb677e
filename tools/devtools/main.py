"""Entry of tools/dev: one module per command, loaded only when it is asked for."""

import importlib
import sys

import interrupt

COMMANDS = {
    "up": "up [--split] [--kafka]   build, start the servers and Atlas, print a ride to try",
    "down": "down                     end what up started, and only that",
    "test": "test [SUITE...]          build and run the tests (test --list names the suites)",
    "fuzz": "fuzz [SECONDS] [NAME...]  look for inputs that break the readers of what comes from outside",
    "bench": "bench                    measure what the README promises",
    "demo": "demo [--seconds N]       a small simulated city against what is up",
}


def usage(out):
    print("usage: tools/dev COMMAND", file=out)
    for line in COMMANDS.values():
        print("  " + line, file=out)


def main(arguments):
    if not arguments or arguments[0] in ("help", "-h", "--help"):
        usage(sys.stdout)
        return 0
    name = arguments[0]
    if name not in COMMANDS:
        print(f"tools/dev: no command '{name}'", file=sys.stderr)
        usage(sys.stderr)
        return 2
    interrupt.install()
    try:
        return importlib.import_module(f"command_{name}").main(arguments[1:])
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
