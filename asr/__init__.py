"""Speech to text, and text to suggestions. Knows no call, no ticket, no database."""
