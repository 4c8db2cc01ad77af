"""Checking: from records of files to spots. Every fault of every record is told at once, before
anything is used."""

from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from passes.base import typed
from passes.base.faults import faults_of
from scenic_data.files import DATA, DataError, FileRecord, read_records
from scenic_data.geo import Point, distance
from scenic_data.model import Spot
from scenic_data.reference import Reference

_BOUNDS = {"chongqing": (105.2, 110.3, 28.1, 32.3), "sichuan": (97.3, 108.6, 26.0, 34.4)}
"""For each province its westernmost and easternmost longitude, southernmost and northernmost
latitude."""

_FARTHEST_FROM_SEAT = {"district": 100_000, "city": 300_000}
"""Metres between a spot and the seat of its district or city: more than in any true record."""


def load_spots(data: Path = DATA) -> list[Spot]:
    """All spots of `data/spots/*.yaml`. Raises `DataError` with every fault of every file."""
    records, faults = [], []
    for file in sorted((data / "spots").glob("*.yaml")):
        try:
            records += read_records(file)
        except DataError as error:
            faults += error.faults
    if not records and not faults:
        faults = [f"{data / 'spots'}: there is no data file"]
    try:
        spots = checked(records, Reference.load(data))
    except DataError as error:
        faults += error.faults
    if faults:
        raise DataError(faults)
    return spots


def checked(
    records: Iterable[FileRecord], reference: Reference, others: Sequence[Spot] = ()
) -> list[Spot]:
    """The spots of records that stand beside `others`. Raises `DataError` with every fault of every
    record."""
    faults: list[str] = []
    spots: list[Spot] = []
    named: dict[str, FileRecord] = {}
    broken: set[str | None] = set()
    taken = {
        (field, value): f"the catalogue ({spot.id})"
        for spot in others
        for field, value in _unique(spot)
    }
    for record in records:
        try:
            spot = Spot.model_validate(record.fields)
        except ValidationError as error:
            found = [(path or "record", what) for path, what in faults_of(error)]
            if record.id is not None and set(found) >= _NOT_WHOLE:
                found = [_no_such_spot(record.id, others), *_without_missing(found)]
            faults += [f"{record.at(path)}: {what}" for path, what in found]
            broken.add(record.id)
            continue
        for field, value in _unique(spot):
            earlier = taken.setdefault((field, value), record.where)
            if earlier != record.where:
                faults.append(f"{record.at(field)}: {value!r} is already that of {earlier}")
        faults += [f"{record.at(field)}: {what}" for field, what in _faults(spot, reference)]
        spots.append(spot)
        named[spot.id] = record
    faults += [
        f"{named[slug].at('part_of')}: {what}"
        for slug, what in _family_faults(spots, others, broken)
    ]
    if faults:
        raise DataError(faults)
    return spots


_NOT_WHOLE = frozenset({("name", "is missing"), ("adcode", "is missing")})
"""What is wrong with the record of a new spot that was meant to correct a known one."""


def _no_such_spot(slug: str, others: Sequence[Spot]) -> tuple[str, str]:
    """The fault that a correction names no spot, instead of all that a new spot would need."""
    near = typed.likest(slug, [spot.id for spot in others])
    return "id", f"there is no spot {slug}{near} (a new one needs at least name, adcode, position)"


def _without_missing(found: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(path, what) for path, what in found if what != "is missing"]


def _unique(spot: Spot) -> Iterator[tuple[str, str]]:
    yield "id", spot.id
    yield "name.zh", spot.name.zh


def _family_faults(
    spots: Sequence[Spot], others: Sequence[Spot], broken: Container[str | None]
) -> Iterator[tuple[str, str]]:
    """Ids of spots, and what is wrong with the wholes that they name: each exists and is itself no
    part.

    Of a whole whose own record is `broken` nothing can be said.
    """
    whole_of = {spot.id: spot.part_of for spot in (*others, *spots)}
    wholes = {whole for whole in whole_of.values() if whole is not None}
    for spot in spots:
        if spot.part_of is None or spot.part_of in broken:
            continue
        if spot.part_of not in whole_of:
            near = typed.likest(spot.part_of, whole_of)
            yield spot.id, f"there is no spot {spot.part_of!r}{near}"
        elif (grander := whole_of[spot.part_of]) is not None:
            yield spot.id, f"{spot.part_of!r} is itself a part of {grander!r}"
        elif spot.id in wholes:
            parts = sorted(slug for slug, whole in whole_of.items() if whole == spot.id)
            yield spot.id, f"it has parts of its own: {', '.join(parts)}"


def _faults(spot: Spot, reference: Reference) -> Iterator[tuple[str, str]]:
    """Fields, and what is wrong with them that a record cannot tell by itself: whether what it
    points to exists, and whether it lies where it says."""
    if spot.category is not None and spot.category not in reference.categories:
        yield "category", f"{spot.category!r} is not in categories.yaml"
    if spot.adcode not in reference.places:
        yield "adcode", f"{spot.adcode} is not in adcodes.csv"
        return
    point = Point(spot.position.lng, spot.position.lat)
    west, east, south, north = _BOUNDS[spot.province]
    if not (west <= point.lng <= east and south <= point.lat <= north):
        yield (
            "position",
            f"{point.lng}, {point.lat} does not lie in {spot.province}, "
            f"where adcode {spot.adcode} is",
        )
        return
    row, place = reference.places.row(spot.adcode), reference.places.at(spot.adcode)
    away = distance(point, row.seat) if row.seat else 0
    if away > _FARTHEST_FROM_SEAT["district" if place.district else "city"]:
        yield (
            "position",
            f"{away / 1000:.0f} km from the seat of {row.name} ({spot.adcode}) is too far",
        )
