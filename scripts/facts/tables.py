"""Tables: one release of the facts, read from its four CSV files and checked row by row.

    scenic_facts.csv    spots with an A-level
    venues.csv          museums, memorials and sights without one; the same columns and `kind`
    parts.csv           places within one spot of scenic_facts.csv that have a gate of their own
    adcodes_sc_cq.csv   the GB/T 2260 codes that the other tables use

A row of column names, an empty cell for what is not known. Further columns are allowed and not
read.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from passes.base import forms
from passes.base.faults import faults_of
from passes.files.rows import read_table
from scenic_data.files import DataError
from scenic_data.kinds import Kind, Ticket
from scenic_data.model import Level, Precision

SPOTS, VENUES, PARTS, CODES = "scenic_facts.csv", "venues.csv", "parts.csv", "adcodes_sc_cq.csv"

_PROVINCES = {"四川": "51", "重庆": "50"}

Text = Annotated[str, StringConstraints(min_length=1)]


class Row(BaseModel):
    """A row of a table; `where` names its file, line and name for whoever has to correct it."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    where: str
    name: Annotated[Text, Field(alias="name_zh")]
    english: str | None = Field(default=None, alias="name_en")
    district: str | None = None
    adcode: Annotated[str, StringConstraints(pattern=forms.ADCODE)]
    lng: float = Field(alias="lon")
    lat: float
    datum: Literal["WGS-84"]
    precision: Precision = Field(alias="coord_precision")
    peak_yuan: Annotated[int, Field(ge=0, le=1000)] | None = Field(
        default=None, alias="price_cny_peak"
    )
    off_peak_yuan: Annotated[int, Field(ge=0, le=1000)] | None = Field(
        default=None, alias="price_cny_offpeak"
    )
    source: Text
    confidence: Text


def _phones(written: object) -> object:
    return written.split(";") if isinstance(written, str) else written


class SpotRow(Row):
    """A row of `scenic_facts.csv` or `venues.csv`."""

    province: Literal["四川", "重庆"]
    city: Text
    level: Level | None = None
    kind: Kind | None = None
    category: Text
    hours: str | None = Field(default=None, alias="open_hours")
    heritage: Literal["yes", "no"] | None = Field(default=None, alias="world_heritage")
    address: str | None = None
    phones: Annotated[tuple[str, ...], BeforeValidator(_phones), Field(alias="phone")] = ()


def _known_ticket(written: object) -> object:
    return None if written == "unknown" else written


class PartRow(Row):
    """A row of `parts.csv`."""

    whole: Text = Field(alias="part_of_name_zh")
    ticket: Annotated[Ticket | None, BeforeValidator(_known_ticket), Field(alias="ticketed")]


class CodeRow(BaseModel):
    """A row of `adcodes_sc_cq.csv`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    where: str
    adcode: Annotated[str, StringConstraints(pattern=forms.ADCODE)]
    name: Text
    level: Literal["province", "city", "district"]
    parent: Text
    lon: float | None = None
    lat: float | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """One release, whose rows point only to rows that there are."""

    spots: Sequence[SpotRow]
    venues: Sequence[SpotRow]
    parts: Sequence[PartRow]
    codes: Sequence[CodeRow]


def read_facts(folder: Path) -> Facts:
    """The release in a folder. Raises `DataError` with every fault of every table."""
    faults: list[str] = []
    spots = _read(folder / SPOTS, SpotRow, ("kind",), faults)
    venues = _read(folder / VENUES, SpotRow, (), faults)
    parts = _read(folder / PARTS, PartRow, (), faults)
    codes = _read(folder / CODES, CodeRow, (), faults)
    if not faults:
        facts = Facts(spots, venues, parts, codes)
        faults += _cross_faults(facts)
    if faults:
        raise DataError(faults)
    return facts


R = TypeVar("R", SpotRow, PartRow, CodeRow)


def _read(file: Path, row_type: type[R], not_here: Sequence[str], faults: list[str]) -> list[R]:
    """The rows of a file; what is wrong with it joins `faults`. Columns `not_here` are not
    needed."""
    needed = [
        field.alias or name
        for name, field in row_type.model_fields.items()
        if name != "where" and (field.alias or name) not in not_here
    ]
    try:
        table = read_table(file, {}, needed)
    except DataError as error:
        faults += error.faults
        return []
    rows = []
    for row in table.rows:
        name = row.cells.get("name_zh") or row.cells.get("name") or "without name"
        where = f"{row.where} ({name})"
        try:
            rows.append(row_type.model_validate({**row.cells, "where": where}))
        except ValidationError as error:
            faults += [f"{where}: {path or 'row'}: {what}" for path, what in faults_of(error)]
    return rows


def _cross_faults(facts: Facts) -> Iterator[str]:
    """What no row can tell by itself: names and codes used twice, and what points to nothing."""
    yield from _twice([(row.name, row.where) for row in (*facts.spots, *facts.venues)], "name_zh")
    yield from _twice([(row.name, row.where) for row in facts.parts], "name_zh")
    yield from _twice([(row.adcode, row.where) for row in facts.codes], "adcode")
    names = {row.adcode: row.name for row in facts.codes}
    for spot in (*facts.spots, *facts.venues):
        if not spot.adcode.startswith(_PROVINCES[spot.province]):
            yield f"{spot.where}: adcode: {spot.adcode} does not lie in {spot.province}"
    for row in (*facts.spots, *facts.venues, *facts.parts):
        if row.adcode not in names:
            yield f"{row.where}: adcode: {row.adcode} is not in {CODES}"
        elif row.district is not None and names[row.adcode] != row.district:
            called = names[row.adcode]
            yield f"{row.where}: district: {row.adcode} is {called!r}, not {row.district!r}"
        if row.off_peak_yuan is not None and row.peak_yuan is None:
            yield f"{row.where}: price_cny_offpeak: there is no price_cny_peak"
    wholes = {row.name for row in facts.spots}
    for part in facts.parts:
        if part.whole not in wholes:
            yield f"{part.where}: part_of_name_zh: there is no {part.whole!r} in {SPOTS}"
        elif part.whole == part.name:
            yield f"{part.where}: part_of_name_zh: it is no part of itself"


def _twice(values: Sequence[tuple[str, str]], column: str) -> Iterator[str]:
    counts = Counter(value for value, _ in values)
    first: dict[str, str] = {}
    for value, where in values:
        if counts[value] > 1 and first.setdefault(value, where) != where:
            yield f"{where}: {column}: {value!r} is already that of {first[value]}"
