"""Alone: a gate without a line decides by its bundle and by what it has itself let in since.

It makes a case of both and asks the very rules that the server asks (`passes.admission.rules`). Of
what a gate cannot know, such as visits to other spots, nothing stands in the case: so it may admit
somebody whom the server would refuse, and never the other way round.

Pure: it stores nothing. The gate keeps what it decided, and gives it back as `Known`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from passes.admission.admitting import SAME_SHOWING_WITHIN, check_beside
from passes.admission.clocks import CLOCKS_DIFFER
from passes.admission.gates import Gate, GateState, Purpose
from passes.admission.offline.bundle import DAYS, Bundle, hash_of_spent
from passes.admission.offline.flat import DayKind, FlatEdition
from passes.admission.reading import read
from passes.admission.rules import Case, decide
from passes.base.calendar import business_day
from passes.base.text import Text
from passes.codes.format import Code
from passes.holding.model import Pass, PassState
from passes.ledger.tally import Entry, Tally
from passes.ledger.verdicts import Reason, Verdict
from passes.people.holder import NOBODY
from passes.people.traits import AgeBand, Traits
from passes.terms.edition import Edition
from passes.terms.free_entry import FreeRule
from passes.terms.prices import Payment
from passes.terms.spot_withdrawals import Policy, SpotWithdrawal
from passes.terms.terms import Coverage, Limits, Terms
from passes.terms.times import Blackout, Hours
from passes.terms.validity import DateRange, Term

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class BundleTooOld(Exception):
    """Nothing can be decided with the bundle at that moment; the message says why, in English."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a gate has read: the text of a code. `free` are people beside the holder who enter free
    by law, by category."""

    text: str
    party: int | None = None
    purpose: Purpose = Purpose.ENTER
    free: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What this gate, or the gates of its hub, let in, let out or took money for, and what the
    bundle does not hold yet; what was annulled is left out.

    `people` came in by the right of the pass, `room` is how many it admits on a visit, `payers` of
    them pay, `paid` have paid now. `free` is the category in which the holder came in free by law.
    """

    serial: str
    at: datetime
    kind: Purpose = Purpose.ENTER
    people: int = 1
    room: int = 1
    payers: int = 0
    paid: int = 0
    step: int | None = None
    gate_id: str = ""
    party: int | None = None
    """How many the gate named; None for everybody."""
    free: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """The verdict, what the code says if it is signed by us, and what the gate has to remember if
    somebody comes in, leaves or pays."""

    verdict: Verdict
    code: Code | None
    entry: Known | None


class Alone:
    """Decides at one gate with one bundle."""

    def __init__(self, bundle: Bundle, gate: Gate) -> None:
        """`gate` is the one that the scan comes from; whether it is in service is told by the
        bundle."""
        self._bundle = bundle
        self._gate = gate
        for row in bundle.gates:
            if row.id == gate.id and row.state is GateState.DISABLED:
                self._gate = replace(gate, state=row.state)
        self._states = bundle.states()
        self._editions: dict[tuple[int, int], Edition] = {}

    def decide(self, shown: Shown, known: Sequence[Known], at: datetime) -> Decided:
        """The verdict on what is shown. `known` may hold others' serials, too.

        Its `visits_left` is never told, for visits elsewhere are not known. Raises `BundleTooOld`,
        also for a day before the bundle: then the clock of the gate is wrong.
        """
        today = business_day(at)
        self._check_age(at, today)
        # 1. What does the code say, and is it sound?
        reading = read(shown.text, self._bundle.keys, at)
        code, unsound = reading.code, reading.unsound
        if code is None:
            return Decided(Verdict(unsound or Reason.ERROR, at), None, None)
        # 2. Is it the showing that was just let in?
        flat = self._bundle.rules.editions.get(code.product_number, UNKNOWN)
        past = self._past(code.pass_id, flat, known, at)
        standing = self._standing(code.pass_id)
        if standing in _IN_FORCE and self._is_repeat(shown, past, at):
            return Decided(Verdict(Reason.REPEAT, at), code, None)
        if unsound is not None:
            return Decided(Verdict(unsound, at), code, None)
        # 3. Else the rules, or none of them for who leaves.
        case = self._case(shown, code, flat, past, standing)
        check_beside(case)
        if shown.purpose is Purpose.LEAVE and self._may_leave(standing, past, today):
            people = shown.party or case.whole_party.admits
            verdict = Verdict(Reason.OK, past.at, admits=people, leaving=True)
        else:
            verdict = decide(case)
        if verdict.reason is Reason.FROZEN and standing is not None:
            verdict = replace(verdict, reason=standing)  # as it stood in for it: see `_held`
        promised = verdict.admitted_from if flat.sure else None
        verdict = replace(verdict, visits_left=None, admitted_from=promised)
        return Decided(verdict, code, self._entry(shown, code, case, verdict))

    def _check_age(self, at: datetime, today: date) -> None:
        bundle = self._bundle
        if at > bundle.good_until:
            raise BundleTooOld(
                f"the bundle was good until {bundle.good_until}: nobody can be let in before this"
                " gate has reached the server, or its hub"
            )
        if bundle.rules.index_of(today) is None:
            raise BundleTooOld(
                f"the bundle knows {bundle.rules.days[0]} to {bundle.rules.days[-1]}, and the clock"
                f" of this gate says {today}: set its clock"
            )

    def _past(
        self, serial: str, flat: FlatEdition, known: Sequence[Known], at: datetime
    ) -> "_Past":
        """What has happened to a pass here, as far as this gate knows."""
        spot_id, today = self._bundle.spot_id, business_day(at)
        own = sorted((each for each in known if each.serial == serial), key=lambda each: each.at)
        tally = self._tally_of_bundle(serial, flat)
        state = self._states.get(serial)
        steps, free = set[int](), None
        if state is not None:
            steps |= state.steps
            free = state.free if business_day(self._bundle.made_at) == today else None
        for each in own:
            tally = _tally_after(tally, each, spot_id, flat)
            if each.kind is Purpose.ENTER and each.step is not None:
                steps.add(each.step)
            if each.free is not None and business_day(each.at) == today:
                free = each.free
            if each.kind is Purpose.LEAVE and flat.re_entry:
                free = None
        last_at = max([each.at for each in own], default=tally.last_at or at)
        # Time does not run backwards for a pass, unless a clock was wrong.
        counts_at = max(at, last_at) if last_at - at <= CLOCKS_DIFFER else at
        return _Past(own, tally, frozenset(steps), free, counts_at)

    def _tally_of_bundle(self, serial: str, flat: FlatEdition) -> Tally:
        """What the bundle says of the visits here."""
        spot_id, state = self._bundle.spot_id, self._states.get(serial)
        if state is None:
            spent = hash_of_spent(spot_id, serial) in self._bundle.spent
            return Tally(by_spot={spot_id: flat.limits.per_spot or 0} if spent else {})

        def here(count: int) -> dict[str, int]:
            return {spot_id: count} if count else {}

        return Tally(
            by_spot=here(state.here),
            day=business_day(self._bundle.made_at),
            on_day=here(state.visits),
            last_at=state.last_at,
            places=here(state.places),
            away=here(state.away),
            due=here(state.due),
            paid=here(state.paid),
        )

    def _standing(self, serial: str) -> Reason | None:
        """Why a pass admits nowhere, if it does not."""
        changes = self._bundle.changes
        if serial in changes.refuse:
            return changes.refuse[serial]
        if serial in changes.allow or not self._bundle.cascade.refuses(serial):
            return None
        return Reason.NOT_IN_FORCE

    def _is_repeat(self, shown: Shown, past: "_Past", at: datetime) -> bool:
        """Whether it is another reading of the showing that this gate has just let in."""
        if shown.party is not None or shown.purpose is not Purpose.ENTER:
            return False
        return any(
            each.kind is Purpose.ENTER
            and each.gate_id == self._gate.id
            and each.party is None
            and abs(at - each.at) <= SAME_SHOWING_WITHIN
            for each in past.known
        )

    def _may_leave(self, standing: Reason | None, past: "_Past", today: date) -> bool:
        """Whether who leaves is let out: with a revoked pass if they came in with it today."""
        if self._gate.state is GateState.DISABLED:
            return False
        came = past.tally.visits_on(today, self._bundle.spot_id) > 0 or past.free is not None
        return standing is not Reason.REVOKED or came

    def _case(
        self,
        shown: Shown,
        code: Code,
        flat: FlatEdition,
        past: "_Past",
        standing: Reason | None,
    ) -> Case:
        """What the rules are asked about."""
        rules = self._bundle.rules
        index = rules.index_of(business_day(past.at)) or 0
        today = rules.days[index]
        free_rules = tuple(_FreeOnDay(each, holder=each == past.free) for each in rules.free[index])
        return Case(
            held=self._held(code, flat, index, past, standing),
            code=code,
            tally=past.tally,
            spot=_FlatSpot(rules.spot_id, self._open_days(flat), free_rules),
            gate=self._gate,
            party=shown.party,
            at=past.at,
            spent_at=rules.spot_id if code.step in past.steps else None,
            paying=shown.purpose is Purpose.PAY,
            stop=rules.stop,
            beside=shown.free,
            came_free_on=today if past.free is not None else None,
        )

    def _held(
        self, code: Code, flat: FlatEdition, index: int, past: "_Past", standing: Reason | None
    ) -> Pass:
        """The pass, as the code and the flat edition tell it.

        Where it admits nowhere it is frozen, whatever the reason, which is put into the verdict
        afterwards; but one whose visits are used up has no visit left.
        """
        edition = self._edition(flat, index)
        if standing is Reason.NO_VISITS_LEFT:
            limits = replace(edition.terms.limits, total=0)
            edition = replace(edition, terms=replace(edition.terms, limits=limits))
        if not (flat.covers and self._is_bound(code, flat)):
            edition = replace(edition, spots=frozenset())
        traits = Traits()
        if past.free is not None:  # of any age: the rule of the category admits them all
            traits = Traits(age_band=AgeBand.UNDER_6, turns_until=self._bundle.rules.days[-1])
        # Later days are not asked about: nothing is known of them.
        last_day = min(
            code.last_day + timedelta(days=flat.longer),
            flat.last_day or date.max,
            self._bundle.rules.days[-1],
        )
        return Pass(
            id=code.pass_id,
            edition=edition,
            valid=DateRange(code.first_day, last_day),
            state=PassState.ACTIVE if standing in _IN_FORCE else PassState.FROZEN,
            holder=NOBODY,
            issued_at=_LONG_AGO,
            traits=traits,
        )

    def _is_bound(self, code: Code, flat: FlatEdition) -> bool:
        """Whether a voucher is for this spot, or may be, for all the bundle says."""
        bound = self._bundle.bound
        if not flat.bound or bound is None:
            return True
        return code.pass_id in bound.serials or code.first_day >= bound.since

    def _edition(self, flat: FlatEdition, index: int) -> Edition:
        """The edition as it is on one day, made once."""
        made = self._editions.get((flat.number, index))
        if made is None:
            made = self._editions[flat.number, index] = self._made_edition(flat, index)
        return made

    def _made_edition(self, flat: FlatEdition, index: int) -> Edition:
        spot_id, kind = self._bundle.spot_id, flat.days[index]
        closed = tuple(DateRange(day, day) for day in self._days(flat, Reason.BLACKOUT))
        hours = (_NEVER,) if kind.admits is Reason.OUTSIDE_HOURS else kind.hours
        terms = Terms(
            term=Term(),
            coverage=Coverage(),
            limits=flat.limits,
            blackout=Blackout(closed),
            party=kind.party,
            payment=flat.payment,
            hours=hours,
            re_entry=flat.re_entry,
        )
        left = tuple(
            SpotWithdrawal(
                flat.product_id,
                spot_id,
                start=day,
                policy=Policy.END,
                at=_LONG_AGO,
                reason="",
                name=flat.title,
                spots=frozenset({spot_id}),
            )
            for day in self._days(flat, Reason.SPOT_WITHDRAWN)[:1]
        )
        return Edition(
            flat.product_id,
            flat.version,
            flat.number,
            flat.title,
            terms,
            spots=frozenset({spot_id}),
            offer=flat.voucher,
            benefit=flat.benefit,
            spot_withdrawals=left,
        )

    def _open_days(self, flat: FlatEdition) -> frozenset[date]:
        return frozenset(self._bundle.rules.days) - set(self._days(flat, Reason.SPOT_CLOSED))

    def _days(self, flat: FlatEdition, reason: Reason) -> list[date]:
        """The days of the bundle on which an edition admits nobody for one reason."""
        named = zip(self._bundle.rules.days, flat.days, strict=False)
        return [day for day, kind in named if kind.admits is reason]

    def _entry(self, shown: Shown, code: Code, case: Case, verdict: Verdict) -> Known | None:
        """What the gate has to remember."""
        if not verdict.granted:
            return None
        return Known(
            serial=code.pass_id,
            at=case.at,
            kind=shown.purpose,
            people=verdict.counted,
            room=case.whole_party.admits,
            payers=case.payers,
            paid=verdict.pays,
            step=code.step,
            gate_id=self._gate.id,
            party=shown.party,
            free=verdict.category if shown.purpose is Purpose.ENTER else None,
        )


@dataclass(frozen=True, slots=True)
class _Past:
    """What has happened to a pass here, and when a scan counts that follows."""

    known: Sequence[Known]
    tally: Tally
    steps: frozenset[int]
    free: str | None
    """The category in which the holder came in here today free by law, if they are still in."""
    at: datetime


@dataclass(frozen=True, slots=True)
class _FreeOnDay:
    """A category that enters free by law on one day: of the holder it is only known whether they
    came in by it already."""

    category: str
    holder: bool
    not_on_holidays: bool = False

    def admits_age(self, age: int) -> bool:  # noqa: ARG002 - of the port
        """Whether the holder is one of them."""
        return self.holder


@dataclass(frozen=True, slots=True)
class _FlatSpot:
    """The spot, as far as the rules ask."""

    id: str
    open_days: frozenset[date]
    free_entry: Sequence[FreeRule]
    tags: frozenset[str] = frozenset()
    ticket_fen: int | None = None
    takes_visitors: bool = True

    def open_on(self, day: date) -> bool:
        """Whether it takes visitors on that business day; of later days nothing is known."""
        return day in self.open_days


_IN_FORCE = frozenset({None, Reason.NO_VISITS_LEFT})
_NEVER = Hours(time(), time())
UNKNOWN = FlatEdition(
    number=0,
    product_id="",
    version=0,
    title=Text("未知票种", "unknown product"),
    covers=False,
    voucher=False,
    bound=False,
    benefit=None,
    longer=0,
    last_day=None,
    payment=Payment.PAID,
    re_entry=False,
    limits=Limits(),
    more_limits=True,
    sure=True,
    days=(DayKind(),) * DAYS,
)
"""A number that the bundle does not know: it does not open this spot, or was published later."""


def _tally_after(tally: Tally, each: Known, spot_id: str, flat: FlatEdition) -> Tally:
    """The tally with what the gate knows besides."""
    if each.kind is Purpose.PAY:
        return tally.with_payment(spot_id, each.at, each.paid)
    entry = Entry(spot_id, each.at, each.people, each.room, each.payers, each.paid)
    if each.kind is Purpose.LEAVE:
        return tally.with_exit(entry) if flat.re_entry else tally
    return tally if each.free is not None else tally.with_entry(entry)
