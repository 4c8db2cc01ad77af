"""The catalogue in memory: one immutable snapshot, already serialised, replaced whole when the data change."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from scenic_data.model import Spot, Status
from scenic_data.places import Places
from scenic_data.views import detail, summary


class Snapshot:
    """All spots at one moment. Retired spots can still be got, but are not listed."""

    def __init__(self, spots: Iterable[Spot], places: Places) -> None:
        """Order and JSON are worked out once, here."""
        ordered = sorted(spots, key=lambda spot: (_RANK[spot.level], spot.id))
        views = {spot.id: detail(spot, places) for spot in ordered}
        self._spots = {spot.id: spot for spot in ordered}
        self._details = {spot_id: view.model_dump_json().encode() for spot_id, view in views.items()}
        self._listed = [
            summary(views[spot.id]).model_dump_json().encode() for spot in ordered if spot.status is not Status.RETIRED
        ]
        self.etag = sha256(b"\n".join(self._details.values())).hexdigest()[:16]

    def get(self, spot_id: str) -> Spot | None:
        """The spot with that id."""
        return self._spots.get(spot_id)

    def ids(self) -> Iterable[str]:
        """All ids, best known spots first."""
        return self._spots.keys()

    def detail(self, spot_id: str) -> bytes | None:
        """The JSON of a `SpotDetail`."""
        return self._details.get(spot_id)

    def page(self, number: int, limit: int) -> tuple[int, Sequence[bytes]]:
        """How many spots are listed, and the JSON of each `SpotSummary` on a page counted from 1."""
        first = (number - 1) * limit
        return len(self._listed), self._listed[first : first + limit]


_RANK = {"5A": 0, "4A": 1, "3A": 2, "2A": 3, "1A": 4}
