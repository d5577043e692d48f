"""Diagnostics and their places as the data that reports are made of."""

from __future__ import annotations

from keyfate.checking.results import Location, Notice
from keyfate.language.source import Diagnostic, Span


def location(span: Span) -> Location:
    """Where a text stands."""
    return Location(span.path, span.line, span.column)


def notice(diagnostic: Diagnostic) -> Notice:
    """What is told, without its labels."""
    return Notice(diagnostic.code, diagnostic.message, location(diagnostic.span), diagnostic.help)
