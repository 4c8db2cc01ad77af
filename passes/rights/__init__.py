"""Rights: what a visitor may demand of the data held about them, and how long these stay.

Reaches every room below; no room knows it.
"""
