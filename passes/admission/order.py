"""Order: which pass of a person a gate uses when they show their card.

Pure: knows what each pass would do here and now, and no store
(docs/adr/0036-cards-at-gates.md).
"""

from datetime import date, datetime
from enum import IntEnum

from passes.admission.rules import Case
from passes.holding.model import PassState


class Rank(IntEnum):
    """What kind of right a pass is here and now; the first that admits is used."""

    FREE_BY_LAW = 0
    """Its holder enters free by law: nothing of it is used."""
    BEGUN = 1
    """Used here today: the rest of a party, a return, or what is paid already."""
    UNCOUNTED = 2
    """Free, and of visits without number."""
    VOUCHER = 3
    """Free, for this one spot."""
    COUNTED = 4
    """Free, and of so many visits."""
    AUTOMATIC = 5
    """Free, by a campaign that nobody has to claim."""
    TO_BE_PAID = 6
    """Whoever comes in with it still has to pay."""
    NOT_IN_FORCE = 7
    """It cannot admit: it says what is wrong only if there is no other."""


Place = tuple[Rank, date, datetime, str]
"""Of equal rank what ends first comes first, then what was issued first."""


def place_of(case: Case, *, automatic: bool) -> Place:
    """The place of a pass among those of its holder. `automatic` is that of a campaign which nobody
    has to claim."""
    held = case.held
    return _rank_of(case, automatic=automatic), case.valid.end, held.issued_at, held.id


def _rank_of(case: Case, *, automatic: bool) -> Rank:
    held = case.held
    if held.state_on(case.day) is not PassState.ACTIVE or case.day not in case.valid:
        return Rank.NOT_IN_FORCE
    if case.free_as is not None:
        return Rank.FREE_BY_LAW
    if case.joins or _paid_ahead(case):
        return Rank.BEGUN
    if case.owes:
        return Rank.TO_BE_PAID
    return Rank.AUTOMATIC if automatic else _free_rank_of(case)


def _free_rank_of(case: Case) -> Rank:
    """Of a pass for which nobody pays here."""
    if case.held.voucher and case.held.only_spot is not None:
        return Rank.VOUCHER
    return Rank.COUNTED if _counted(case) else Rank.UNCOUNTED


def _paid_ahead(case: Case) -> bool:
    """Whether somebody has paid here today for people who have not come in yet."""
    tally, spot_id = case.tally, case.gate.spot_id
    return tally.day == case.day and tally.paid.get(spot_id, 0) > tally.due.get(spot_id, 0)


def _counted(case: Case) -> bool:
    """Whether a visit here leaves fewer for other days."""
    limits = case.limits
    numbers = (limits.total, limits.per_spot, limits.days, limits.per_month, limits.per_year)
    return bool(case.pools) or any(number is not None for number in numbers)
