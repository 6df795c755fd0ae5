"""Dangers in what a caller says: a card for each, and what became of it."""
