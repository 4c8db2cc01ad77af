"""Terms: what a product lets its holder do, and how operators publish it, edition by edition.

Knows the shape of terms and which spots they cover; knows no pass, no holder and no gate.
"""
