"""`python -m keyfate`, and the console script."""

import os
import signal
import sys

from keyfate.cli.statuses import STOPPED


def main() -> None:
    """An interrupt ends it quietly also while it is loaded, which takes a while; then the commands mind it."""
    minded = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if minded:  # not by whoever started it in the background
        signal.signal(signal.SIGINT, lambda number, frame: os._exit(STOPPED))
    from keyfate.cli.main import main as commands

    try:
        if minded:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        commands()
    except KeyboardInterrupt:
        sys.exit(STOPPED)


if __name__ == "__main__":
    main()
