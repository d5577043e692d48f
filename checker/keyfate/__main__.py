"""`python -m keyfate`."""

from keyfate.cli.main import main

if __name__ == "__main__":
    main()
