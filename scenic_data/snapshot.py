"""The catalogue in memory: one immutable snapshot, already serialised, replaced whole when the data change."""

from collections.abc import Iterable
from hashlib import sha256

from scenic_data.finding import Finder, Found, Wanted
from scenic_data.geo import Datum
from scenic_data.model import Spot, Status
from scenic_data.reference import Reference
from scenic_data.views import SpotDetail, detail, summary


class Snapshot:
    """All spots at one moment, best known first. Retired spots can still be got, but are not listed or found."""

    def __init__(self, spots: Iterable[Spot], reference: Reference) -> None:
        """Order, words to search by and JSON are worked out once, here."""
        ordered = sorted(spots, key=lambda spot: (_RANK[spot.level], spot.id))
        self.reference = reference
        self._spots = {spot.id: spot for spot in ordered}
        self.listed = tuple(spot for spot in ordered if spot.status is not Status.RETIRED)
        self._finder = Finder(self.listed, reference)
        self._summaries = {
            datum: [summary(spot, reference, datum).model_dump_json().encode() for spot in self.listed]
            for datum in Datum
        }
        views = [detail(spot, reference, Datum.WGS84).model_dump_json().encode() for spot in ordered]
        self.etag = sha256(b"\n".join(views + self._summaries[Datum.WGS84])).hexdigest()[:16]

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

    def summary(self, place: int, datum: Datum) -> bytes:
        """The JSON of a `SpotSummary` of the spot at that place of `listed`."""
        return self._summaries[datum][place]


_RANK = {"5A": 0, "4A": 1, "3A": 2, "2A": 3, "1A": 4}
