"""Web: what all handlers share: requests, replies, problems, access, health.

Knows no noun of the domain but its errors.
"""
