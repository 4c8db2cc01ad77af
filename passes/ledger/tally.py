"""The tally: what the visits of one pass add up to, as far as limits ask for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from passes.base.calendar import business_day

TALLY_VERSION = 1
"""How tallies are worked out. A record with an older version is worked out anew from the whole
ledger before it is added to."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What the admissions that still count add up to.

    `day` is the newest business day with a visit, `on_day` its visits by spot; `days` counts
    distinct days. `places` are the people who may still follow on that day, by spot, because only
    a part of a party has come.
    """

    total: int = 0
    days: int = 0
    by_spot: Mapping[str, int] = field(default_factory=dict)
    day: date | None = None
    on_day: Mapping[str, int] = field(default_factory=dict)
    last_at: datetime | None = None
    places: Mapping[str, int] = field(default_factory=dict)
    version: int = TALLY_VERSION

    def visits_on(self, day: date, spot_id: str) -> int:
        """Visits to a spot on `day`, which must not lie before the newest day."""
        return self.on_day.get(spot_id, 0) if day == self.day else 0

    def places_on(self, day: date, spot_id: str) -> int:
        """How many people may still join the visit of their party to a spot on `day`."""
        return self.places.get(spot_id, 0) if day == self.day else 0

    def entered(self, spot_id: str, at: datetime, people: int, room: int) -> "Tally":
        """The tally after some people of a pass for `room` people were let in: as the rest of a
        party, or as a new visit."""
        places = self.places_on(business_day(at), spot_id)
        if people <= places:
            return replace(self, places=_with(self.places, spot_id, places - people))
        return self.with_visit(spot_id, at, places=room - people)

    def with_visit(self, spot_id: str, at: datetime, places: int = 0) -> "Tally":
        """The tally with one more visit, which so many people may still join."""
        day = business_day(at)
        if self.day is not None and day < self.day:
            return self._with_earlier_visit(spot_id)
        same_day = day == self.day
        return Tally(
            total=self.total + 1,
            days=self.days if same_day else self.days + 1,
            by_spot=_one_more(self.by_spot, spot_id),
            day=day,
            on_day=_one_more(self.on_day if same_day else {}, spot_id),
            last_at=at,
            places=_with(self.places if same_day else {}, spot_id, places),
        )

    def _with_earlier_visit(self, spot_id: str) -> "Tally":
        """The tally with a visit of a day before the newest one.

        This happens only on a tally carried over from another ledger, to which a record arrives
        late. Whether that day was counted before is not known any more: it counts as another one.
        """
        return replace(
            self,
            total=self.total + 1,
            days=self.days + 1,
            by_spot=_one_more(self.by_spot, spot_id),
        )


def _with(places: Mapping[str, int], spot_id: str, left: int) -> dict[str, int]:
    """The places with so many left at a spot; none are not kept."""
    others = {spot: count for spot, count in places.items() if spot != spot_id}
    return {**others, spot_id: left} if left > 0 else others


def _one_more(counts: Mapping[str, int], key: str) -> dict[str, int]:
    return {**counts, key: counts.get(key, 0) + 1}
