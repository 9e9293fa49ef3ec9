"""Networks of other packages."""
