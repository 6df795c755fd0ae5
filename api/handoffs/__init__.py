"""The ledger of calls that are handed to somebody else, above all to 110, 119, 120, 122 and 12366."""
