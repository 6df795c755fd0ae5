"""The database's history, inside the package; run by ``hotline migrate`` and at every start."""
