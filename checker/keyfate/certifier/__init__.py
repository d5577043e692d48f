"""Judges every verdict with Z3, from an encoding of its own."""
