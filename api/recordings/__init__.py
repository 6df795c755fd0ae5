"""Recordings after the call: made, checked, kept, held and erased."""
