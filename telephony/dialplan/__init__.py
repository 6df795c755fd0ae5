"""What the switch is told before the first call: topology of hotline.toml, Asterisk's configuration, prompts."""
