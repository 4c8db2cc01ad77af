"""What was read of what somebody showed: a code, or a card."""

from dataclasses import dataclass
from datetime import datetime

from passes.admission.gates import ShownCard
from passes.codes import format as codes
from passes.codes.keys import CodeKeys
from passes.ledger.records import By
from passes.ledger.verdicts import Reason


@dataclass(frozen=True, slots=True)
class Reading:
    """What a code says, if it is signed by us, and what is wrong with it; of a card, how it was
    read."""

    code: codes.Code | None = None
    unsound: Reason | None = None
    card: ShownCard | None = None

    @property
    def by(self) -> By:
        """What was read."""
        if self.card is not None:
            return self.card.by
        return By.ROTATING if self.code is not None and self.code.rotating else By.STATIC


def read(text: str, keys: CodeKeys, at: datetime, tolerance: int = 1) -> Reading:
    """What the text of a code says at an instant, give or take so many steps of 30 seconds."""
    try:
        return Reading(codes.read(text, keys, at, tolerance))
    except codes.CodeError as error:
        return Reading(error.code, error.reason)
