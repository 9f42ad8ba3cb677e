"""What goes wrong in a way the user can mend: a message with the remedy, no traceback."""

import errno
import sys

_REMEDIES = {
    errno.ENOSPC: "make room there and try again",
    errno.EDQUOT: "make room there and try again",
    errno.EACCES: "it belongs to another user",
    errno.EPERM: "it belongs to another user; try it with sudo",
    errno.EROFS: "work in a clone that can be written to",
}


class Failure(Exception):
    """A command cannot go on; str() says what is wrong and what to do."""


def reported(command):
    """Wraps a command's main: a Failure, or a disk or owner in the way, becomes a line on stderr
    and exit status 1."""

    def run(arguments):
        try:
            return command(arguments) or 0
        except Failure as failure:
            print(f"tools/dev: {failure}", file=sys.stderr)
            return 1
        except OSError as error:
            if error.errno not in _REMEDIES:
                raise
            print(f"tools/dev: {error}: {_REMEDIES[error.errno]}", file=sys.stderr)
            return 1

    return run
