"""Calls that operators place: the own leg first, the citizen next (pure)."""
