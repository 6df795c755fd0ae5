"""Calls, agents and queues on an Asterisk switch. Root modules but the runner are pure; the folders touch wires."""
