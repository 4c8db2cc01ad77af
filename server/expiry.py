"""What ends: gate tokens, setup codes, keys, products, offers, days off that are known.

Whatever ends says so before, in lists, in replies, in the log and in `doctor`
(docs/operator-guide.md, "What ends, and how you learn of it").
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from passes.admission.gates import TOKEN_WARNING, GateState, SetGate
from passes.base.calendar import business_day, day_after, start_of
from passes.codes.keys import Keyring
from passes.offers.offer import Offer, OfferState
from passes.terms.edition import Edition
from passes.terms.times import Blackout
from server.system import System

log = logging.getLogger(__name__)

WITHIN = timedelta(days=30)
"""How long before its end a thing is told to end, if nothing else is said."""

KEY_WARNING = timedelta(days=90)
"""How long before its end a signing key is told to end: codes are printed for a whole year."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """A thing that ends at an instant, and what to do about it.

    One that is `planned` ends because somebody wanted it to; any other stops visitors or gates
    unless somebody acts `warned_before` its end.
    """

    kind: str
    id: str
    ends_at: datetime
    remedy: str
    planned: bool = False
    warned_before: timedelta = WITHIN

    def needs_a_hand(self, now: datetime) -> bool:
        """Whether somebody has to act."""
        return not self.planned and self.ends_at - now < self.warned_before


async def expiries(system: System, now: datetime) -> list[Expiry]:
    """Everything in a system that ends, the first to end first.

    What has been over for long and was planned is left out. Raises `Unavailable`.
    """
    gates = await system.admission.gate_keeping.all()
    editions = [each for each in system.terms.editions.all_current() if not each.offer]
    found = [
        *_of_gates(gates),
        *_of_keys(system.keys.codes),
        *_of_products(editions, now),
        *_of_offers(system.offers.offers.all(), now),
    ]
    return sorted(found, key=lambda each: each.ends_at)


def _of_gates(gates: Iterable[SetGate]) -> Iterator[Expiry]:
    for each in gates:
        gate, setup = each.gate, each.setup
        renew = f"gates renew {gate.id}, and type the new setup code into its device"
        if gate.token_ends_at is not None:
            yield Expiry(
                "gate token", gate.id, gate.token_ends_at, renew, warned_before=TOKEN_WARNING
            )
        if gate.state is GateState.ADDED and setup is not None:
            # A code lives for a week, so it is told to end only once it has.
            yield Expiry("setup code", gate.id, setup.expires_at, renew, warned_before=timedelta())


def _of_keys(codes: Keyring) -> Iterator[Expiry]:
    newest = codes.newest()
    yield Expiry(
        "signing key",
        str(newest.id),
        _end_of(newest.last_day),
        "no code is trusted after its last day: keys make signing, announce, sign-with",
        warned_before=KEY_WARNING,
    )


def _of_products(editions: Iterable[Edition], now: datetime) -> Iterator[Expiry]:
    for edition in editions:
        dates = edition.terms.term.dates
        if dates is None:
            yield from _of_blackout(edition.product_id, edition.terms.blackout)
        elif _end_of(dates.end) > now:
            remedy = "publish the product of the next year, if there is to be one"
            product = edition.product_id
            yield Expiry("product", product, _end_of(dates.end), remedy, planned=True)


def _of_offers(offers: Iterable[Offer], now: datetime) -> Iterator[Expiry]:
    for offer in offers:
        ends_at = _end_of(offer.window.end)
        if offer.state is not OfferState.ENDED and ends_at > now:
            remedy = "publish it with a later window, if it is to go on"
            yield Expiry("offer", offer.id, ends_at, remedy, planned=True)


def _of_blackout(product_id: str, blackout: Blackout) -> Iterator[Expiry]:
    """The last year whose days off are known, of a product that is sold without an end.

    The holidays of a year are announced in November of the year before.
    """
    if not blackout.dates:
        return
    year = max(span.end for span in blackout.dates).year
    remedy = f"publish the product with the days off of {year + 1}"
    yield Expiry("days off", product_id, _end_of(date(year, 12, 31)), remedy)


def _end_of(day: date) -> datetime:
    """The instant at which a business day is over."""
    return start_of(day_after(day))


class ExpiryWatch:
    """Says once a business day, in the log, what ends soon."""

    def __init__(self, system: System) -> None:
        """Nothing was said yet, so the first look says it."""
        self._system = system
        self._said_on: date | None = None

    async def look(self, now: datetime) -> None:
        """Log a warning for each kind of thing that needs a hand; once a business day.

        Raises `Unavailable`, and looks again then.
        """
        today = business_day(now)
        if self._said_on == today:
            return
        found = await expiries(self._system, now)
        self._said_on = today
        urgent = [each for each in found if each.needs_a_hand(now)]
        numbers = Counter(each.kind for each in urgent)
        for kind, number in numbers.items():
            first = next(each for each in urgent if each.kind == kind)
            log.warning(
                "%d × %s ends soon or has ended, first %s at %s: %s; "
                "`python -m scripts doctor` shows all",
                number,
                kind,
                first.id,
                first.ends_at.isoformat(timespec="seconds"),
                first.remedy,
            )


def within(found: Sequence[Expiry], days: timedelta, now: datetime) -> list[Expiry]:
    """What ends in that time, or needs a hand anyway."""
    return [each for each in found if each.ends_at - now < days or each.needs_a_hand(now)]
