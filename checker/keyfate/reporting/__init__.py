"""Verdicts to people and machines."""
