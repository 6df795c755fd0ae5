"""A language model's second opinion on a ticket: off unless an address is set, checked, masked, audited."""
