"""What `keyfate lint` found, for people."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from keyfate.language.rendering import render
from keyfate.language.source import Diagnostic
from keyfate.reporting.words import count


def lint_text(
    files: int,
    warnings: Sequence[Diagnostic],
    hints: Sequence[Diagnostic],
    checks: str,
    *,
    color: bool,
    width: int | None,
) -> str:
    """Every warning, then the hints, a total, and the command to go on with: to check `checks`."""
    parts = [count(len(warnings), "warning") if warnings else "no warnings"]
    if hints:
        parts.append(count(len(hints), "hint"))
    shown = [render(found, color=color, width=width) for found in (warnings, hints) if found]
    total = f"{', '.join(parts)} in {count(files, 'file')}\nnext: keyfate check {shlex.quote(checks)}"
    return "\n\n".join((*shown, total)) + "\n"
