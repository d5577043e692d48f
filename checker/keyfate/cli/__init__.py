"""The command line: reads words, calls a command, prints. Thin, and imports what a command does only when it runs."""
