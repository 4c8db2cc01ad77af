"""The catalogue in memory: one immutable snapshot, already serialised, replaced whole when the data change."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from hashlib import sha256

from scenic_data.finding import Facet, Finder, Found, Wanted
from scenic_data.geo import Datum
from scenic_data.model import Spot, Status
from scenic_data.reference import Reference
from scenic_data.views import SpotDetail, detail, summary


class Snapshot:
    """All spots at one moment, best known first. Retired spots can still be got, but are not listed or found."""

    def __init__(self, spots: Iterable[Spot], reference: Reference) -> None:
        """What it takes to find spots and to show them is worked out when it is first asked for, or by `prepare`."""
        ordered = sorted(spots, key=lambda spot: (_RANK[spot.level], spot.id))
        self.reference = reference
        self._spots = {spot.id: spot for spot in ordered}
        self.listed = tuple(spot for spot in ordered if spot.status is not Status.RETIRED)

    def prepare(self) -> None:
        """Work out everything now, so that no request has to wait for it."""
        _ = self._finder, self.etag

    def get(self, spot_id: str) -> Spot | None:
        """The spot with that id."""
        return self._spots.get(spot_id)

    def ids(self) -> Iterable[str]:
        """All ids, best known spots first."""
        return self._spots.keys()

    def all(self) -> Iterable[Spot]:
        """All spots, best known first."""
        return self._spots.values()

    def detail(self, spot: Spot, datum: Datum) -> SpotDetail:
        """All that is known of one of the spots, with its position in a datum."""
        return detail(spot, self.reference, datum)

    def find(self, wanted: Wanted) -> Found:
        """Which of `listed` fit, by their places in it."""
        return self._finder.find(wanted)

    def count(self, wanted: Wanted, found: Found) -> Mapping[Facet, Mapping[str, int]]:
        """For each facet how many would be found with each value, whatever is chosen of that facet itself."""
        return self._finder.count(wanted, found)

    def summary(self, place: int, datum: Datum) -> bytes:
        """The JSON of a `SpotSummary` of the spot at that place of `listed`."""
        return self._summaries[datum][place]

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
                summary(spot, self.reference, datum).model_dump_json().encode()
                for spot in self.listed
            ]
            for datum in Datum
        }


_RANK = {"5A": 0, "4A": 1, "3A": 2, "2A": 3, "1A": 4}
