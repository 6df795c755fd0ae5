"""Shifts: an operator signs in to a seat, is ready or paused, wraps up, signs out."""
