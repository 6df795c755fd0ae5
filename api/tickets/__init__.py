"""Drafts and tickets: what a citizen asks for, from the first word to the number."""
