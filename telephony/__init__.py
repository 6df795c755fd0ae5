"""Calls, agents, queues and transfers on an Asterisk switch. Root modules are pure; ``ami``, ``ari`` and ``media`` touch wires."""
