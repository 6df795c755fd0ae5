"""Somebody else in the call: whom it may be handed to, and the steps of handing over."""
