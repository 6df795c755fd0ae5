"""漏接回拨: every caller who was missed is called back, exactly once."""
