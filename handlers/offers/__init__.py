"""Offers for everybody, and the claims of visitors."""
