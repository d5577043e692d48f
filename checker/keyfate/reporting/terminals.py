"""What a stream can show."""

from __future__ import annotations

import os
from typing import TextIO


def shows_color(stream: TextIO) -> bool:
    """On a terminal, unless NO_COLOR (no-color.org), CLICOLOR=0 or a dumb terminal says otherwise; elsewhere
    where CLICOLOR_FORCE asks for it (bixense.com/clicolors)."""
    told = os.environ
    if told.get("NO_COLOR"):
        return False
    if told.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return stream.isatty() and told.get("TERM") != "dumb" and told.get("CLICOLOR") != "0"
