"""Speech engines behind the contract of ``asr.recognizer``; ``choose`` picks one."""
