"""HTTP: validate, call one domain function, serialise.

A package for each noun of the domain; all routes are in `handlers.routes`.
"""
