"""Figures of a day, from the records."""
