"""Admission: a scan at a gate becomes a verdict and a record; gates, look-up, the history of a pass.

Knows neither HTTP nor MongoDB, and no offers.
"""
