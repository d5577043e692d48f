"""Fast and trusted by nobody: circuit, bounded search, IC3."""
