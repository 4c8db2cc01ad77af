"""Codes: the text inside the QR picture, its format and its keys.

Knows what a code says and whether it is genuine and fresh; knows no pass.
"""
