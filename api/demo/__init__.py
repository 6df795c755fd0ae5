"""``hotline demo``, the body of ``make run``: a real switch, our server, simulated people, an orderly end."""
