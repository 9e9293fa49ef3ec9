"""The ledger and its lines."""
