"""Serials: the names of passes in codes, 64 random bits that nobody can guess."""

import secrets
from collections.abc import Callable


def _nobody(_: str) -> bool:
    return False


class Serials:
    """Draws the serials of new passes."""

    def __init__(self, taken_for_refused: Callable[[str], bool] = _nobody) -> None:
        """`taken_for_refused` tells whether gates without a line would refuse a serial by chance:
        such a one is not drawn (docs/adr/0040-bundles.md)."""
        self.taken_for_refused = taken_for_refused

    def new(self) -> str:
        """16 hexadecimal digits."""
        while True:
            serial = secrets.token_hex(8)
            if not self.taken_for_refused(serial):
                return serial
