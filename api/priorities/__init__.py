"""Who stands in front by rule: numbers that called in vain, and the city's list of elders."""
