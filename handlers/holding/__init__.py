"""Passes, for their holder."""
