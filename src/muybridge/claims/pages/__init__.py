"""The ledger for readers and for other programs."""
