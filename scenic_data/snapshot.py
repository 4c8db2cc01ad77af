"""The catalogue in memory: one immutable snapshot, already serialised, replaced whole when the data
change.

Here parts and wholes are put together: a record knows only itself, a snapshot knows all of them.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from hashlib import sha256

from scenic_data.finding import Facet, Finder, Found, Wanted
from scenic_data.geo import Datum
from scenic_data.model import Level, Spot, Status
from scenic_data.reference import Reference
from scenic_data.views import Family, SpotDetail, attribution, detail, summary


class Snapshot:
    """All spots at one moment, best known first. Retired spots can still be got, but are not listed
    or found."""

    def __init__(self, spots: Iterable[Spot], reference: Reference) -> None:
        """What it takes to find spots and to show them is worked out when it is first asked for, or
        by `prepare`."""
        records = {spot.id: spot for spot in spots}
        placed = [_placed(spot, records) for spot in records.values()]
        ordered = sorted(placed, key=lambda spot: (*_rank(spot, records), spot.id))
        self.reference = reference
        self._spots = {spot.id: spot for spot in ordered}
        self.listed = tuple(spot for spot in ordered if spot.status is not Status.RETIRED)
        self._parts: dict[str, list[Spot]] = {}
        for spot in self.listed:
            if spot.part_of is not None:
                self._parts.setdefault(spot.part_of, []).append(spot)

    def prepare(self) -> None:
        """Work out everything now, so that no request has to wait for it."""
        _ = self._finder, self.etag, self.entries, self.attribution

    def get(self, spot_id: str) -> Spot | None:
        """The spot with that id."""
        return self._spots.get(spot_id)

    def ids(self) -> Iterable[str]:
        """All ids, best known spots first."""
        return self._spots.keys()

    def all(self) -> Iterable[Spot]:
        """All spots, best known first."""
        return self._spots.values()

    def family(self, spot: Spot) -> Family:
        """What a spot is a part of, and its own parts that are not retired, in the order of the
        list."""
        whole = self._spots.get(spot.part_of) if spot.part_of is not None else None
        return Family(whole, tuple(self._parts.get(spot.id, ())))

    def parts_of(self, spot_id: str) -> frozenset[str]:
        """The ids of the parts of a spot that are not retired."""
        return frozenset(part.id for part in self._parts.get(spot_id, ()))

    def detail(self, spot: Spot, datum: Datum) -> SpotDetail:
        """All that is known of one of the spots, with its position in a datum."""
        return detail(spot, self.family(spot), self.reference, datum)

    def find(self, wanted: Wanted) -> Found:
        """Which of `listed` fit, by their places in it."""
        return self._finder.find(wanted)

    def count(self, wanted: Wanted, found: Found) -> Mapping[Facet, Mapping[str, int]]:
        """For each facet how many would be found with each value, whatever is chosen of that facet
        itself."""
        return self._finder.count(wanted, found)

    def summary(self, place: int, datum: Datum) -> bytes:
        """The JSON of a `SpotSummary` of the spot at that place of `listed`."""
        return self._summaries[datum][place]

    @cached_property
    def entries(self) -> frozenset[str]:
        """The ids of the listed spots that are no parts."""
        return frozenset(spot.id for spot in self.listed if spot.part_of is None)

    @cached_property
    def attribution(self) -> tuple[str, ...]:
        """What the licences of the sources of the listed spots ask to be named."""
        return attribution(self.listed, self.reference.sources)

    @cached_property
    def etag(self) -> str:
        """The same for two snapshots that show the same."""
        views = [self.detail(spot, Datum.WGS84).model_dump_json().encode() for spot in self.all()]
        return sha256(b"\n".join(views + self._summaries[Datum.WGS84])).hexdigest()[:16]

    @cached_property
    def _finder(self) -> Finder:
        return Finder(self.listed, self.reference)

    @cached_property
    def _summaries(self) -> dict[Datum, list[bytes]]:
        return {
            datum: [
                summary(spot, self.family(spot), self.reference, datum).model_dump_json().encode()
                for spot in self.listed
            ]
            for datum in Datum
        }


_LEVELS = tuple(Level)


def _placed(spot: Spot, records: Mapping[str, Spot]) -> Spot:
    """A spot with the tags of its whole, if it is a part."""
    whole = records.get(spot.part_of) if spot.part_of is not None else None
    return spot if whole is None else spot.within(whole)


def _rank(spot: Spot, records: Mapping[str, Spot]) -> tuple[int, bool]:
    """By level, the best known first; a part without a level comes after the spots of the level of
    its whole."""
    if spot.level is not None:
        return _LEVELS.index(spot.level), False
    whole = records.get(spot.part_of) if spot.part_of is not None else None
    if whole is not None and whole.level is not None:
        return _LEVELS.index(whole.level), True
    return len(_LEVELS), whole is not None
