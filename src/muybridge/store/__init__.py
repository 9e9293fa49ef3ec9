"""Where runs lie and who may write there: leases, locks, folders and object stores. Knows no run."""
