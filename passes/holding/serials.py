"""Serials: the names of passes in codes, 64 random bits that nobody can guess."""

import secrets
from collections.abc import Callable


class Serials:
    """Draws the serials of new passes, such that gates without a line do not refuse one by chance
    (docs/adr/0040-bundles.md)."""

    def __init__(
        self,
        taken_for_refused: Callable[[str], bool] = lambda _: False,
        is_filter_being_made: Callable[[], bool] = lambda: False,
    ) -> None:
        """Whether a filter of those gates refuses a serial, and whether a new one is being made."""
        self._taken_for_refused = taken_for_refused
        self._is_filter_being_made = is_filter_being_made

    def new(self) -> str:
        """16 hexadecimal digits."""
        while True:
            serial = secrets.token_hex(8)
            if not self._taken_for_refused(serial):
                return serial

    def may_be_refused(self, serial: str) -> bool:
        """Whether gates without a line may refuse a new pass, unless they are told of it."""
        return self._is_filter_being_made() or self._taken_for_refused(serial)
