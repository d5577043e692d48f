"""`python -m keyfate`: the same as the command `keyfate`."""

from __future__ import annotations

from keyfate.cli import main

if __name__ == "__main__":
    main()
