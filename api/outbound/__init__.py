"""Calls that operators place: for a callback, a ticket, or to a number that is allowed."""
