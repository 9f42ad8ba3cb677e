"""What goes wrong in a way the user can mend: a message with the remedy, no traceback."""

import sys


class Failure(Exception):
    """A command cannot go on; str() says what is wrong and what to do."""


def reported(command):
    """Wraps a command's main: a Failure becomes a line on stderr and exit status 1."""

    def run(arguments):
        try:
            return command(arguments) or 0
        except Failure as failure:
            print(f"tools/dev: {failure}", file=sys.stderr)
            return 1

    return run
