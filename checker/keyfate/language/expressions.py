"""The typer of expressions: one grammar becomes values, conditions and terms."""

from keyfate.language.conditions import Conditions
from keyfate.language.terms import Terms
from keyfate.language.values import Values


class Typer(Values, Conditions, Terms):
    """Types any expression; see `contexts.Typing` for what it stands on."""
