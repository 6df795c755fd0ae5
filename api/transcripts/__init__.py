"""The words of a call, once they are final."""
