"""The Asterisk Manager Interface: bytes to facts, orders to headers, and the one link they travel on."""
