"""keyfate: what becomes of a key, and of everything it protects, over its whole life."""

__version__ = "0.1.0"
