"""Commands of ``hotline``, one file each."""
