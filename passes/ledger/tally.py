"""The tally: what the visits of one pass add up to, as far as limits and payment ask for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from passes.base.calendar import business_day

TALLY_VERSION = 2
"""How tallies are worked out. A record with an older version is worked out anew from the whole
ledger before it is added to."""


@dataclass(frozen=True, slots=True)
class Entry:
    """People of one pass who come in together.

    `room` is how many people the pass lets in on one visit there, `payers` how many of them have to
    pay when they come, and `paid` how many paid now. `month` is the month of validity.
    """

    spot_id: str
    at: datetime
    people: int = 1
    room: int = 1
    payers: int = 0
    paid: int = 0
    month: int = 0
    seen: bool = False
    """Whether staff have looked at the card of whoever showed the pass on a phone."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What the admissions that still count add up to.

    `day` is the newest business day on which something was counted, `on_day` its visits by spot;
    `days` counts distinct days with a visit, `by_month` the visits of each month of validity.

    Of the newest visit on that day, by spot: `places` are the people who may still follow, because
    only a part of a party has come; `away` are those who left and may come back. Of all visits on
    that day, by spot: `due` is how many people have to pay, `paid` how many have paid.
    """

    total: int = 0
    days: int = 0
    by_spot: Mapping[str, int] = field(default_factory=dict)
    day: date | None = None
    on_day: Mapping[str, int] = field(default_factory=dict)
    last_at: datetime | None = None
    places: Mapping[str, int] = field(default_factory=dict)
    version: int = TALLY_VERSION
    first_day: date | None = None
    """The business day of the first visit."""
    by_month: Mapping[str, int] = field(default_factory=dict)
    away: Mapping[str, int] = field(default_factory=dict)
    due: Mapping[str, int] = field(default_factory=dict)
    paid: Mapping[str, int] = field(default_factory=dict)
    seen_at: datetime | None = None
    """When staff have last let somebody in with a phone, after a look at their card."""

    def visits_on(self, day: date, spot_id: str) -> int:
        """Visits to a spot on `day`, which must not lie before the newest day."""
        return self.on_day.get(spot_id, 0) if day == self.day else 0

    def visited_on(self, day: date) -> bool:
        """Whether there was a visit anywhere on `day`, which must not lie before the newest day."""
        return day == self.day and bool(self.on_day)

    def may_follow(self, day: date, spot_id: str) -> int:
        """How many people may still join the visit of their party to a spot on `day`: those who
        have not come yet, and those who left and may come back."""
        if day != self.day:
            return 0
        return self.places.get(spot_id, 0) + self.away.get(spot_id, 0)

    def owed_by(self, entry: Entry) -> int:
        """How many people have to pay when some come in: all of the party who are in by then and
        for whom nobody has paid."""
        here = self._on(business_day(entry.at))
        due = here.due.get(entry.spot_id, 0) + here._due_for(entry)
        return max(0, due - here.paid.get(entry.spot_id, 0))

    def visits_in_months(self, months: range) -> int:
        """Visits in some months of validity."""
        return sum(self.by_month.get(str(month), 0) for month in months)

    def with_entry(self, entry: Entry) -> "Tally":
        """The tally after some people were let in: as the rest of a party, or as a new visit."""
        day = business_day(entry.at)
        if self.day is not None and day < self.day:
            return self._with_earlier_visit(entry)
        if day != self.day or entry.people > self.may_follow(day, entry.spot_id):
            return self._with_new_visit(entry, day)
        due, joined = self._due_for(entry), self._with_joined(entry)
        if not (due or entry.paid or entry.seen):
            return joined
        return replace(
            joined,
            seen_at=entry.at if entry.seen else self.seen_at,
            due=_plus(self.due, entry.spot_id, due),
            paid=_plus(self.paid, entry.spot_id, entry.paid),
        )

    def with_visit(self, spot_id: str, at: datetime) -> "Tally":
        """The tally with one more visit of one person."""
        return self.with_entry(Entry(spot_id, at))

    def with_exit(self, exit_: Entry) -> "Tally":
        """The tally after people left who may come back. There are no more of them than are in."""
        day = business_day(exit_.at)
        if day != self.day or not self.visits_on(day, exit_.spot_id):
            return self
        spot_id = exit_.spot_id
        inside = exit_.room - self.may_follow(day, spot_id)
        left = max(0, min(exit_.people, inside))
        return replace(self, away=_plus(self.away, spot_id, left))

    def with_payment(self, spot_id: str, at: datetime, people: int) -> "Tally":
        """The tally after so many people paid at a window, before they come in."""
        day = business_day(at)
        if self.day is not None and day < self.day:
            return self
        here = self._on(day)
        return replace(here, paid=_plus(here.paid, spot_id, people))

    def with_look(self, at: datetime) -> "Tally":
        """The tally after staff have looked at the card of somebody who makes no visit."""
        return replace(self, seen_at=at)

    def _on(self, day: date) -> "Tally":
        """The tally as a day begins, if that is not the newest day already."""
        if day == self.day:
            return self
        return replace(self, day=day, on_day={}, places={}, away={}, due={}, paid={})

    def _due_for(self, entry: Entry) -> int:
        """How many of those who come in make one more who has to pay. The first of a party pay."""
        day, spot_id = business_day(entry.at), entry.spot_id
        if entry.people > self.may_follow(day, spot_id):
            return min(entry.payers, entry.people)
        came = entry.room - self.places.get(spot_id, 0)
        newcomers = max(0, entry.people - self.away.get(spot_id, 0))
        return min(entry.payers, came + newcomers) - min(entry.payers, came)

    def _with_joined(self, entry: Entry) -> "Tally":
        """Those who left come back first, then those who have not come yet."""
        away = self.away.get(entry.spot_id, 0)
        back = min(away, entry.people)
        return replace(
            self,
            away=_plus(self.away, entry.spot_id, -back),
            places=_plus(self.places, entry.spot_id, back - entry.people),
        )

    def _with_new_visit(self, entry: Entry, day: date) -> "Tally":
        """Every admission to a spot comes here, so each field is written once."""
        spot_id, same_day = entry.spot_id, day == self.day
        on_day = self.on_day if same_day else {}
        due = min(entry.payers, entry.people)
        return Tally(
            total=self.total + 1,
            days=self.days + (not on_day),
            by_spot=_plus(self.by_spot, spot_id, 1),
            day=day,
            on_day=_plus(on_day, spot_id, 1),
            last_at=entry.at,
            places=_with(self.places if same_day else {}, spot_id, entry.room - entry.people),
            version=self.version,
            first_day=self.first_day or day,
            by_month=_plus(self.by_month, str(entry.month), 1),
            away=_with(self.away if same_day else {}, spot_id, 0),
            due=_plus(self.due if same_day else {}, spot_id, due),
            paid=_plus(self.paid if same_day else {}, spot_id, entry.paid),
            seen_at=entry.at if entry.seen else self.seen_at,
        )

    def _with_earlier_visit(self, entry: Entry) -> "Tally":
        """The tally with a visit of a day before the newest one.

        This happens only on a tally carried over from another ledger, to which a record arrives
        late. Whether that day was counted before is not known any more: it counts as another one.
        """
        day = business_day(entry.at)
        return replace(
            self,
            total=self.total + 1,
            days=self.days + 1,
            by_spot=_plus(self.by_spot, entry.spot_id, 1),
            by_month=_plus(self.by_month, str(entry.month), 1),
            first_day=min(self.first_day or day, day),
        )


def _with(counts: Mapping[str, int], key: str, count: int) -> Mapping[str, int]:
    """The counts with this one; none are not kept."""
    if count <= 0 and key not in counts:
        return counts
    others = {each: number for each, number in counts.items() if each != key}
    return {**others, key: count} if count > 0 else others


def _plus(counts: Mapping[str, int], key: str, more: int) -> Mapping[str, int]:
    """The counts with so many more, or fewer, of one kind."""
    if more == 0:
        return counts
    return _with(counts, key, counts.get(key, 0) + more)
