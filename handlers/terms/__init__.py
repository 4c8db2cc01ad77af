"""Products, for everybody."""
