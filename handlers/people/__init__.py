"""Visitors: their sessions, who they are, and what is held about them."""
