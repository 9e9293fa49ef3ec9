"""Numbers of others: published values, axes and result tables, each with its source."""
