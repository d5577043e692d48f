"""The lifecycle as a finite transition system, and the plain interpreter: the oracle of every test."""
