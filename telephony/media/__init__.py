"""Audio of calls: live taps of each leg, and finished recordings."""
