"""The rules: whether a pass admits its holder at a gate, now.

`decide` is pure and total. It asks the rules in the order in which staff would explain them, and
the first that objects gives the reason. It never raises: a fault inside a rule is a refusal, never
an admission.

A refusal that time lifts says from when. Each rule knows only from when it would not object itself;
all rules are asked again for that moment, and so on, so that what is promised is kept.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from passes.admission.gates import Gate, GateState
from passes.admission.stop import Stop, in_force
from passes.base.calendar import business_day, day_after, start_of
from passes.base.once import once
from passes.codes.format import Code
from passes.holding.model import Pass, PassState
from passes.holding.transitions import is_holder
from passes.ledger.tally import Entry, Tally
from passes.ledger.verdicts import Reason, Verdict
from passes.terms.free_entry import FreeRule, category_of_ages
from passes.terms.holidays import NO_HOLIDAYS, HolidayCalendar
from passes.terms.prices import Party, Payment
from passes.terms.terms import Limits, Pool, SpotFacts
from passes.terms.times import Times, days_after
from passes.terms.validity import MONTHS_IN_A_YEAR, DateRange, month_after, months_between

log = logging.getLogger(__name__)

_MOST_MOMENTS = 1_000
"""How many moments are asked about for one promise. Each is later than the one before, so only
rules that lift one another by turns for years would need more."""


@dataclass(frozen=True)
class Case:
    """All that a decision rests on.

    `code` is None if a card was shown. `spot` is None if the catalogue does not have the spot of
    the gate; `party` is how many people want to pass, None for all. `at` is not earlier than the
    last visit in the tally. What several rules ask is worked out once.
    """

    held: Pass
    code: Code | None
    tally: Tally
    spot: SpotFacts | None
    gate: Gate
    party: int | None
    at: datetime
    spent_at: str | None = None
    """The spot at which this very rotating code has opened a gate, if it has."""
    holidays: HolidayCalendar = NO_HOLIDAYS
    paying: bool = False
    """Whether they pay at a window now, and come in at another gate."""
    typed: bool = False
    """Whether staff have typed the number of a card."""
    stop: Stop | None = None
    """What stops entry at the spot, or at its whole."""
    beside: Mapping[str, int] = field(default_factory=dict)
    """How many people come in free by law beside the holder, by category."""
    came_free_on: date | None = None
    """The day on which the holder came in here free by law last, if they have not left since."""

    @once
    def day(self) -> date:
        """The business day of the scan."""
        return business_day(self.at)

    @property
    def limits(self) -> Limits:
        """The limits of the pass at this spot."""
        return self.held.terms.limits_at(self.gate.spot_id)

    @once
    def times(self) -> list[Times]:
        """All times that hold for the pass at this spot."""
        return self.held.terms.times_at(self.gate.spot_id)

    @property
    def pools(self) -> list[Pool]:
        """The pools of the pass that this spot belongs to."""
        return self.held.terms.pools_of(self.gate.spot_id)

    @property
    def valid(self) -> DateRange:
        """The valid days of the pass, as its visits so far make them."""
        return self.held.valid_after(self.tally)

    @property
    def month(self) -> int:
        """The month of validity, from 0."""
        first_day = self.held.first_day_after(self.tally) or self.day
        return months_between(first_day, self.day)

    @once
    def whole_party(self) -> Party:
        """How many people the pass lets in here, and what they pay."""
        if self.spot is None:
            return self.held.terms.party
        return self.held.terms.party_at(self.spot, self.day)

    @property
    def payers(self) -> int:
        """How many of a whole party pay when they come."""
        pays_at_window = self.held.terms.payment is Payment.AT_WINDOW
        return self.whole_party.pays if pays_at_window else 0

    @once
    def may_follow(self) -> int:
        """How many people of a party may still follow, here and today."""
        return self.tally.may_follow(self.day, self.gate.spot_id)

    @once
    def wanted(self) -> int:
        """How many people want to pass: as many as say so, or all who still may."""
        return self.party or self.may_follow or self.whole_party.admits

    @once
    def joins(self) -> bool:
        """Whether they are the rest of a party, and so no new visit."""
        return self.wanted <= self.may_follow

    def free_rules_on(self, day: date) -> list[FreeRule]:
        """The rules of free entry that surely hold at this spot on a day."""
        return [] if self.spot is None else free_rules(self.spot, self.holidays, day)

    def category_on(self, day: date) -> str | None:
        """The category in which the holder enters free by law on a day, if they surely do. A party
        of several people is that of the pass."""
        if self.spot is None or not self.spot.free_entry:
            return None
        ages = self.held.traits.ages_on(day)
        if (
            ages is None
            or (self.party or 1) > 1
            or self.held.terms.party_at(self.spot, day).admits > 1
        ):
            return None
        return category_of_ages(self.free_rules_on(day), *ages)

    @once
    def free_as(self) -> str | None:
        """The category in which the holder enters free by law today, if they surely do."""
        return self.category_on(self.day)

    @once
    def free(self) -> Mapping[str, int]:
        """Who of those who want to pass enters free by law, by category: the holder first."""
        if self.free_as is None:
            return self.beside
        beside = self.beside.get(self.free_as, 0)
        return {self.free_as: 1 + beside} | {
            each: number for each, number in self.beside.items() if each != self.free_as
        }

    @property
    def card_is_due(self) -> bool:
        """Whether staff have to look at the holder's card before a turnstile admits. Who shows the
        card itself needs no account."""
        return self.code is not None and self.held.card_is_due(self.tally)

    @property
    def looks_at_card(self) -> bool:
        """Whether staff look at the card: a printed code can be copied, anybody can say a number,
        what is claimed for nothing may be claimed for people who are made up, and who enters free
        by law shows why."""
        if not self.gate.kind.staffed:
            return False
        if self.free:
            return True
        if self.code is None:
            return self.typed
        return not self.code.rotating or self.held.voucher or self.card_is_due

    @property
    def entry(self) -> Entry:
        """What the tally gets if they come in, and nobody pays."""
        return Entry(
            spot_id=self.gate.spot_id,
            at=self.at,
            people=self.wanted,
            room=self.whole_party.admits,
            payers=self.payers,
            month=self.month,
        )

    @property
    def owes(self) -> int:
        """How many people have to pay when they come in."""
        if not self.payers or self.free_as is not None:
            return 0
        return self.tally.owed_by(self.entry)


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a rule refuses, and from when it would not itself, if time lifts it."""

    reason: Reason
    lifted_at: datetime | None = None


Rule = Callable[[Case], Objection | None]

_NOT_ACTIVE = {
    PassState.RESERVED: Reason.NOT_ACTIVATED,
    PassState.ISSUED: Reason.NOT_ACTIVATED,
    PassState.FROZEN: Reason.FROZEN,
    PassState.REVOKED: Reason.REVOKED,
    PassState.REFUNDED: Reason.REFUNDED,
    PassState.EXPIRED: Reason.EXPIRED,
}


def free_rules(spot: SpotFacts, holidays: HolidayCalendar, day: date) -> list[FreeRule]:
    """The rules of free entry that surely hold at a spot on a day."""
    holiday = not holidays.sure_of(day) or bool(holidays.names_on(day))
    return [rule for rule in spot.free_entry if not (holiday and rule.not_on_holidays)]


def why_not_active(held: Pass, day: date) -> Reason | None:
    """Why the state of a pass admits nowhere on a day, if it does not. What staff have frozen its
    holder cannot unfreeze."""
    state = held.state_on(day)
    by_staff = held.frozen_by is not None and not is_holder(held.frozen_by)
    if state is PassState.FROZEN and by_staff:
        return Reason.FROZEN_BY_STAFF
    return _NOT_ACTIVE.get(state)


def gate_in_service(case: Case) -> Objection | None:
    """A gate taken out of service admits nobody."""
    if case.gate.state is GateState.DISABLED:
        return Objection(Reason.GATE_DISABLED)
    return None


def no_emergency(case: Case) -> Objection | None:
    """In an emergency the doors are open: nobody is to come in, and nothing is counted."""
    if case.stop is not None and case.stop.emergency and in_force(case.stop, case.at):
        return Objection(Reason.EMERGENCY)
    return None


def code_suits_gate(case: Case) -> Objection | None:
    """A printed code can be copied, so it needs staff who look at the visitor's card."""
    printed = case.code is not None and not case.code.rotating
    if printed and not case.gate.kind.staffed:
        return Objection(Reason.CODE_STATIC)
    return None


def pass_active(case: Case) -> Objection | None:
    """Only an active pass admits."""
    reason = why_not_active(case.held, case.day)
    return None if reason is None else Objection(reason)


def in_time(case: Case) -> Objection | None:
    """The business day lies within the valid days of the pass."""
    valid = case.valid
    if case.day < valid.start:
        return Objection(Reason.NOT_YET_VALID, start_of(valid.start))
    if case.day > valid.end:
        return Objection(Reason.EXPIRED)
    return None


def spot_covered(case: Case) -> Objection | None:
    """The pass opens this spot, the catalogue knows it, and it has not left the product."""
    if case.spot is None or not case.held.opens(case.spot):
        return Objection(Reason.SPOT_NOT_COVERED)
    if case.held.edition.has_ended_at(case.spot.id, case.day):
        return Objection(Reason.SPOT_WITHDRAWN)
    return None


def spot_open(case: Case) -> Objection | None:
    """The spot takes visitors today."""
    spot = case.spot
    if spot is None:
        return Objection(Reason.SPOT_CLOSED)
    if spot.open_on(case.day):
        return None
    return Objection(Reason.SPOT_CLOSED, _next_day(case, spot.open_on))


def entry_not_stopped(case: Case) -> Objection | None:
    """Nobody has stopped entry here."""
    if case.stop is None or not in_force(case.stop, case.at):
        return None
    return Objection(Reason.ENTRY_STOPPED, case.stop.until)


def no_blackout(case: Case) -> Objection | None:
    """Today is not one of the days on which the pass does not admit here."""

    def admits_on(day: date) -> bool:
        return all(times.admit_on(day, case.holidays) for times in case.times)

    if admits_on(case.day):
        return None
    return Objection(Reason.BLACKOUT, _next_day(case, admits_on))


def within_hours(case: Case) -> Objection | None:
    """It is one of the hours at which the pass admits here."""
    for times in case.times:
        if not times.within_hours(case.at):
            return Objection(Reason.OUTSIDE_HOURS, times.next_opening(case.at))
    return None


def visits_left(case: Case) -> Objection | None:
    """No limit is used up.

    If today's visits here are used up, that is the reason, even if others are as well: it is what
    staff would say. If fewer people could still join the visit of their party, it is that they are
    too many.
    """
    if case.free_as is not None:
        return _free_before(case)
    if case.joins:
        return None
    used_up = next(_limits_used_up(case), None)
    if used_up is None:
        return None
    lifted_at = _or_free(case, used_up.lifted_at)
    if case.may_follow:
        return Objection(Reason.PARTY_TOO_LARGE, lifted_at)
    return Objection(used_up.reason, lifted_at)


def not_too_soon(case: Case) -> Objection | None:
    """Enough time has passed since the last visit, wherever that was."""
    minutes, last = case.held.terms.limits.minutes_between, case.tally.last_at
    if case.joins or minutes is None or last is None or case.free_as is not None:
        return None
    lifted_at = last + timedelta(minutes=minutes)
    if case.at < lifted_at:
        return Objection(Reason.TOO_SOON, _or_free(case, lifted_at))
    return None


def party_fits(case: Case) -> Objection | None:
    """The pass admits as many people as have come."""
    if case.free_as is None and case.wanted > case.whole_party.admits:
        return Objection(Reason.PARTY_TOO_LARGE)
    return None


def code_unspent(case: Case) -> Objection | None:
    """A rotating code opens once; the rest of its party may follow with it, at the same spot.

    Asked late: what the rules before it object to, a fresh code would not change.
    """
    if case.spent_at is None or case.paying:
        return None
    if case.spent_at == case.gate.spot_id and case.joins and case.free_as is None:
        return None
    return Objection(Reason.CODE_SPENT)


def paid(case: Case) -> Objection | None:
    """What is still to be paid can only be paid where money is taken.

    Asked late: a visitor is not sent to a window for a pass that would not admit them.
    """
    if case.owes and not case.gate.kind.takes_money:
        return Objection(Reason.PAY_AT_WINDOW, _or_free(case, None))
    return None


def card_seen(case: Case) -> Objection | None:
    """After an account was bound to the holder, staff look at the card once.

    Asked last: a visitor is not sent to staff for a pass that would not admit them. Who has to pay
    goes to a window, where staff look as well.
    """
    if case.card_is_due and not case.gate.kind.staffed:
        return Objection(Reason.CHECK_IDENTITY)
    return None


RULES: tuple[Rule, ...] = (
    gate_in_service,
    no_emergency,
    code_suits_gate,
    pass_active,
    in_time,
    spot_covered,
    spot_open,
    entry_not_stopped,
    no_blackout,
    within_hours,
    visits_left,
    not_too_soon,
    party_fits,
    code_unspent,
    paid,
    card_seen,
)


def decide(case: Case) -> Verdict:
    """Admit or refuse. Total: a fault in a rule is logged and refuses with `error`."""
    try:
        objection = _objection_to(case)
        if objection is None:
            return _granted(case)
        promised = _promise(case, objection)
        return Verdict(objection.reason, case.at, admitted_from=promised)
    except Exception:
        log.exception("a rule failed for pass %s", case.held.id)
        return Verdict(Reason.ERROR, case.at)


def _objection_to(case: Case) -> Objection | None:
    for rule in RULES:
        objection = rule(case)
        if objection is not None:
            return objection
    return None


def _promise(case: Case, objection: Objection) -> datetime | None:
    """The first moment, of those at which a rule is lifted, at which no rule objects; None if there
    is none, or if what holds then is not known yet."""
    last_asked, moment = case.at, objection.lifted_at
    for _ in range(_MOST_MOMENTS):
        if moment is None or moment <= last_asked:
            return None
        later = replace(case, at=moment, spent_at=None)
        if not all(times.sure_of(later.day, case.holidays) for times in case.times):
            return None
        next_objection = _objection_to(later)
        if next_objection is None:
            return moment
        last_asked, moment = moment, next_objection.lifted_at
    return None


def _granted(case: Case) -> Verdict:
    party = case.whole_party
    pays = case.owes
    amount_fen = None
    if case.payers and party.each_fen is not None:
        amount_fen = pays * party.each_fen
    if case.paying:
        return Verdict(
            Reason.OK,
            case.at,
            pays=pays,
            amount_fen=amount_fen,
            paying=True,
            category=case.free_as,
        )
    by_right = case.wanted if case.free_as is None else 0
    return Verdict(
        Reason.OK,
        case.at,
        admits=by_right + sum(case.free.values()),
        pays=pays,
        amount_fen=amount_fen,
        visits_left=_left_after(case),
        check_identity=case.looks_at_card,
        category=case.free_as,
        free=case.free,
    )


def _free_before(case: Case) -> Objection | None:
    """Where nobody looks, who enters free comes in once a day: a phone that is passed back through
    a turnstile would let in a family."""
    came_today = case.came_free_on == case.day
    if came_today and not case.gate.kind.staffed:
        return Objection(Reason.ALREADY_TODAY, start_of(day_after(case.day)))
    return None


def _or_free(case: Case, lifted_at: datetime | None) -> datetime | None:
    """From when a limit does not object: when it is lifted, or the holder enters free by law, as
    after a holiday or a birthday."""
    if case.spot is None or not case.spot.free_entry:
        return lifted_at
    free_from = _next_day(case, lambda day: case.category_on(day) is not None)
    return min((each for each in (lifted_at, free_from) if each is not None), default=None)


def _limits_used_up(case: Case) -> Iterator[Objection]:
    """The limits that another visit would exceed, in the order in which staff would name them."""
    limits, tally, spot_id = case.limits, case.tally, case.gate.spot_id
    if _reached(tally.visits_on(case.day, spot_id), limits.per_spot_day):
        yield Objection(Reason.ALREADY_TODAY, start_of(day_after(case.day)))
    here = tally.by_spot.get(spot_id, 0)
    if _reached(here, limits.per_spot) or _reached(tally.total, limits.total):
        yield Objection(Reason.NO_VISITS_LEFT)
    # On a day that is counted already another visit counts no more days.
    if limits.days is not None and not tally.visited_on(case.day) and tally.days >= limits.days:
        yield Objection(Reason.NO_VISITS_LEFT)
    if any(_pool_is_used_up(pool, tally, spot_id) for pool in case.pools):
        yield Objection(Reason.NO_VISITS_LEFT)
    yield from _periods_used_up(case)


def _periods_used_up(case: Case) -> Iterator[Objection]:
    """Of the limits for a month and a year of validity, those that are used up in this one."""
    limits = case.limits
    if limits.per_month is None and limits.per_year is None:
        return
    tally, month = case.tally, case.month
    first_day = case.held.first_day_after(tally) or case.day
    if _reached(tally.visits_in_months(range(month, month + 1)), limits.per_month):
        yield Objection(Reason.NO_VISITS_LEFT, start_of(month_after(first_day, month + 1)))
    year_begins = month - month % MONTHS_IN_A_YEAR
    year_ends = year_begins + MONTHS_IN_A_YEAR
    if _reached(tally.visits_in_months(range(year_begins, year_ends)), limits.per_year):
        yield Objection(Reason.NO_VISITS_LEFT, start_of(month_after(first_day, year_ends)))


def _pool_is_used_up(pool: Pool, tally: Tally, spot_id: str) -> bool:
    if _reached(_visits_in(pool, tally), pool.visits):
        return True
    visited = pool.spots & tally.by_spot.keys()
    return spot_id not in visited and _reached(len(visited), pool.different)


def _visits_in(pool: Pool, tally: Tally) -> int:
    return sum(tally.by_spot.get(each, 0) for each in pool.spots)


def _reached(used: int, limit: int | None) -> bool:
    return limit is not None and used >= limit


def _left_after(case: Case) -> int | None:
    """Visits left here after this one, over all the days to come; None when nothing limits them."""
    this_visit = 0 if case.joins or case.free_as is not None else 1
    limits, tally = case.limits, case.tally
    here = tally.by_spot.get(case.gate.spot_id, 0)
    counted = [(limits.total, tally.total), (limits.per_spot, here)]
    counted += [(pool.visits, _visits_in(pool, tally)) for pool in case.pools]
    left = [limit - used - this_visit for limit, used in counted if limit is not None]
    return min(left, default=None)


def _next_day(case: Case, suits: Callable[[date], bool]) -> datetime | None:
    """The start of the next valid day that suits, if there is one."""
    for day in days_after(case.day, case.valid.end):
        if suits(day):
            return start_of(day)
    return None
