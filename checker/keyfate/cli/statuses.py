"""Exit statuses that are needed before anything heavy is imported."""

from __future__ import annotations

MET = 0
BROKEN = 1  # a requirement, or what a command is asked to find well-formed
UNUSABLE = 2  # bad usage, lifecycle or policy
NOTHING = 4  # nothing meaningful was checked
DEFECT = 70  # EX_SOFTWARE of sysexits.h
STOPPED = 130  # as shells say of a process that an interrupt ended
