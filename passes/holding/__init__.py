"""Holding: the pass itself: issued, shown, activated, frozen, revoked, reissued.

Knows no gate and no offer.
"""
