"""The admission ledger of one pass: records that are only ever appended, and the tally they add up to.

Every record carries the tally after it, so the newest record is enough to decide. `fold` works the same tally
out from the whole ledger; it is the definition, and the check of the records.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from passes.base.calendar import business_day


@dataclass(frozen=True, slots=True)
class Tally:
    """What the admissions that still count add up to.

    `day` is the newest business day with a visit, `on_day` its visits per spot; `days` counts distinct days. `places`
    are the people who may still follow on that day, per spot, because only a part of a party has come.
    """

    total: int = 0
    days: int = 0
    by_spot: Mapping[str, int] = field(default_factory=dict)
    day: date | None = None
    on_day: Mapping[str, int] = field(default_factory=dict)
    last_at: datetime | None = None
    places: Mapping[str, int] = field(default_factory=dict)

    def visits_on(self, day: date, spot_id: str) -> int:
        """Visits to a spot on `day`, which must not lie before the newest day."""
        return self.on_day.get(spot_id, 0) if day == self.day else 0

    def places_on(self, day: date, spot_id: str) -> int:
        """How many people may still join the visit of their party to a spot on `day`."""
        return self.places.get(spot_id, 0) if day == self.day else 0

    def entered(self, spot_id: str, at: datetime, people: int, room: int) -> "Tally":
        """The tally after some people of a pass for `room` were let in: the rest of a party, or a new visit."""
        places = self.places_on(business_day(at), spot_id)
        if people <= places:
            return replace(self, places=_with(self.places, spot_id, places - people))
        return self.plus(spot_id, at, places=room - people)

    def plus(self, spot_id: str, at: datetime, places: int = 0) -> "Tally":
        """The tally with one more visit, not earlier than the last one, which so many people may still join."""
        day = business_day(at)
        on_day = self.on_day if day == self.day else {}
        return Tally(
            total=self.total + 1,
            days=self.days + (day != self.day),
            by_spot=_one_more(self.by_spot, spot_id),
            day=day,
            on_day=_one_more(on_day, spot_id),
            last_at=at,
            places=_with(self.places if day == self.day else {}, spot_id, places),
        )


def _with(places: Mapping[str, int], spot_id: str, left: int) -> dict[str, int]:
    """The places with so many left at a spot; none are not kept."""
    others = {spot: count for spot, count in places.items() if spot != spot_id}
    return {**others, spot_id: left} if left > 0 else others


def _one_more(counts: Mapping[str, int], key: str) -> dict[str, int]:
    return {**counts, key: counts.get(key, 0) + 1}
