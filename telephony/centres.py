"""Partner centres: how they are reached, in which order, and what may go which way (pure)."""
