"""The records of calls, and what may be done to a live one over HTTP."""
