"""Bringing somebody else into a call, and leaving it: consult, three-way, hand over, cancel; TRANSITIONS (pure)."""
