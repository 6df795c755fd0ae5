"""Far more callers than usual: noticed, told to supervisors, announced to callers."""
