"""Message authentication codes of passes: who can write the database cannot make a pass.

A pass carries an HMAC-SHA256 over what makes it worth something, under a key that the database
does not hold. It is computed at every write of the store from a pass that had a good one, or is
new, and checked at every read.
"""

import hmac
import json
from datetime import UTC, datetime

from passes.store.database import Document

_OWN = (
    "_id",
    "product_id",
    "version",
    "state",
    "issued_at",
    "chosen_spot",
    "activate_by",
    "activated_at",
    "reissued_as",
    "reissued_from",
    "cancelled_at",
    "frozen_by",
    "frozen_on",
    "paused_days",
    "not_before",
    "card_due_since",
)
_VALID = ("start", "end")
_HOLDER = ("lookup", "name_digest", "name_mask", "number_mask")
"""What is covered, in this order for ever: another field needs another migration.

A field that is missing, null, empty or 0 says the same: the first documents do not have what came
later.

Not covered is what scans write on their own, what only reports read, and what is sealed, which
proves itself.
"""


class PassMacs:
    """Makes and checks the codes."""

    def __init__(self, key: bytes) -> None:
        """`key` is 32 bytes, for this purpose alone."""
        self._key = key

    def of(self, document: Document) -> str:
        """The code of a pass by its document, 64 hexadecimal digits."""
        covered = [
            *map(document.get, _OWN),
            *map(document["valid"].get, _VALID),
            *map(document["holder"].get, _HOLDER),
        ]
        text = _JSON.encode([each or None for each in covered])
        return hmac.digest(self._key, text.encode(), "sha256").hex()

    def fits(self, document: Document) -> bool:
        """Whether a stored pass has the code that it should have."""
        try:
            return hmac.compare_digest(self.of(document), document["mac"])
        except (KeyError, TypeError, AttributeError, ValueError):
            return False  # there is none, or values of types that we do not store


def _plain(instant: datetime) -> str:
    """An instant that JSON knows; the same before it is stored and after, for MongoDB keeps
    milliseconds."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds")


_JSON = json.JSONEncoder(default=_plain)
