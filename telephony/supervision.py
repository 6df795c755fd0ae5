"""Supervisors in other people's calls: listen, whisper, barge, take over (pure)."""
