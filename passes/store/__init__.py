"""The stores of the domain: the only code that knows collections, documents and queries.

Knows no driver: `server.mongo` hands in a `Database` and turns what a driver raises into domain
errors.
"""
