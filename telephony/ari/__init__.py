"""The Asterisk REST Interface, used for one thing only: the SIP passwords of the seats."""
