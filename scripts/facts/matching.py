"""Matching: which spot of the catalogue a row is about, so that it keeps its id.

By what has been decided, else by the name, else by another name of the spot, else by what the two
names have in common in the same district or near by. A spot is matched once. Parts come last, so
that none of them takes the id of its whole.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from scenic_data.geo import Point, distance
from scenic_data.model import Spot
from scenic_data.places import city_of
from scripts.facts.slugs import core
from scripts.facts.tables import Row

_NEAR = 3_000
"""Metres within which two spots of one city whose names have the same core are one."""


class By(StrEnum):
    """How a row was matched."""

    DECISION = "decision"
    NAME = "name"
    ALIAS = "another name"
    CORE = "like name"


@dataclass(frozen=True, slots=True)
class Match:
    """The id of the spot that a row is about, and how that was found."""

    id: str
    by: By


@dataclass(slots=True)
class Matching:
    """Matches rows with spots; a spot that has been matched is left out from then on."""

    spots: Sequence[Spot]
    decided: Mapping[str, str]
    """Ids by names of rows."""
    matches: dict[str, Match] = field(default_factory=dict)
    """By `where` of the row."""

    def match(self, rows: Iterable[Row]) -> None:
        """Match rows, first those of which there is the least doubt."""
        waiting = list(rows)
        for by, fits in _WAYS.items():
            waiting = [row for row in waiting if not self._matched(row, by, fits)]

    def unmatched(self) -> list[str]:
        """The ids of the spots that no row is about."""
        taken = {match.id for match in self.matches.values()}
        return [spot.id for spot in self.spots if spot.id not in taken]

    def _matched(self, row: Row, by: By, fits: Callable[[Row, Spot], bool]) -> bool:
        """Whether one spot fits. Of several none is taken: people see a new spot, not a wrong
        one."""
        decided = self.decided.get(row.name)
        if decided is not None:
            candidates = [spot for spot in self.spots if spot.id == decided]
            by = By.DECISION
        else:
            reserved = {match.id for match in self.matches.values()} | set(self.decided.values())
            candidates = [
                spot for spot in self.spots if spot.id not in reserved and fits(row, spot)
            ]
        if len(candidates) != 1:
            return False
        self.matches[row.where] = Match(candidates[0].id, by)
        return True


def _by_alias(row: Row, spot: Spot) -> bool:
    return row.name in spot.aliases and city_of(row.adcode) == city_of(spot.adcode)


def _by_core(row: Row, spot: Spot) -> bool:
    if city_of(row.adcode) != city_of(spot.adcode) or core(row.name) != core(spot.name.zh):
        return False
    apart = distance(Point(row.lng, row.lat), Point(spot.position.lng, spot.position.lat))
    return row.adcode == spot.adcode or apart < _NEAR


def _by_name(row: Row, spot: Spot) -> bool:
    return spot.name.zh == row.name


_WAYS = {By.NAME: _by_name, By.ALIAS: _by_alias, By.CORE: _by_core}
"""How a row of which nothing has been decided finds its spot, the surest way first."""
