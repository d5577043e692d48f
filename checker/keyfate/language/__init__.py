"""From text to a checked lifecycle: sources, grammar, names and types, diagnostics."""
