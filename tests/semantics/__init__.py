"""The meaning of the language: the plain interpreter and what stands on it."""
