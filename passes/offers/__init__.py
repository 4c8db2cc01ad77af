"""Offers: what operators promise visitors for some weeks, who may claim it, and how often.

A claim gives a pass like any other; how it is admitted is decided in `passes.admission`.
"""
