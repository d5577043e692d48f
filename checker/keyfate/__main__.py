"""`python -m keyfate`."""

from keyfate.cli import main

if __name__ == "__main__":
    main()
