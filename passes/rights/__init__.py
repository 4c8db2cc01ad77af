"""Rights: what a visitor may demand of the data held about them; today, that they are erased.

Reaches every room below; no room knows it.
"""
