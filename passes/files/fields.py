"""The fields that product and offer files share, and how such files are read.

All files are read and checked wholly before anything is published.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from passes.base import forms, typed
from passes.base.errors import Fault, Invalid
from passes.base.faults import faults_of
from passes.base.text import Text
from passes.codes.format import FIRST_DAY, LAST_DAY
from passes.terms.holidays import Holiday
from passes.terms.terms import Coverage
from passes.terms.times import Blackout, Hours, Season
from passes.terms.validity import DateRange
from scenic_data.files import DataError, load_yaml
from scenic_data.model import Name, Slug

T = TypeVar("T")

Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]
Count = Annotated[int, Field(strict=True, ge=1, le=10_000_000)]
IsoWeekday = Annotated[int, Field(strict=True, ge=1, le=7)]


class FileModel(BaseModel):
    """A part of a file. A field that is not known is an error, because it is misspelt."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class TitleIn(FileModel):
    """The same words in Chinese and English."""

    zh: Name
    en: Name

    def to_text(self) -> Text:
        """The text of the domain."""
        return Text(self.zh, self.en)


def _tag(written: object) -> object:
    """A tag in its one form: levels are in capitals, everything else in small letters."""
    if not isinstance(written, str):
        return written
    small = typed.slug(written)
    is_level = re.fullmatch("[1-5]a", small) is not None
    return small.upper() if is_level else small


class CoverageIn(FileModel):
    """The spots named, and those with any of the tags, but never those excluded."""

    spots: tuple[Slug, ...] = ()
    tags: tuple[Annotated[str, BeforeValidator(_tag)], ...] = ()
    excluded: tuple[Slug, ...] = ()

    def to_coverage(self) -> Coverage:
        """The coverage of the domain."""
        return Coverage(frozenset(self.spots), frozenset(self.tags), frozenset(self.excluded))


class DaysIn(FileModel):
    """A span of business days, written `2026-10-01/2026-10-07`, or one day."""

    start: Day
    end: Day

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end < self.start:
            raise ValueError("it ends before it begins")
        return self

    def to_range(self) -> DateRange:
        """The range of days of the domain."""
        return DateRange(self.start, self.end)


def _split_days(written: object) -> object:
    if not isinstance(written, str) or not re.fullmatch(_DAYS_PATTERN, written):
        raise ValueError("write days as 2026-10-01/2026-10-07, or one as 2026-10-01")
    start, _, end = written.partition("/")
    return {"start": start, "end": end or start}


_DAYS_PATTERN = r"^\d{4}-\d{2}-\d{2}(/\d{4}-\d{2}-\d{2})?$"
Days = Annotated[
    DaysIn,
    BeforeValidator(_split_days),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": _DAYS_PATTERN,
            "description": "First and last day, or one day.",
        }
    ),
]


def _hours(written: object) -> object:
    if not isinstance(written, str) or not re.fullmatch(forms.HOURS, written):
        raise ValueError(forms.WORDS[forms.HOURS])
    opens, _, closes = written.partition("-")
    if closes <= opens:
        raise ValueError("they close before they open")
    return written


HoursIn = Annotated[
    str,
    BeforeValidator(_hours),
    WithJsonSchema({"type": "string", "pattern": forms.HOURS}),
]
"""From one time of day until just before another: `09:00-17:30`."""


def hours(written: Iterable[str]) -> tuple[Hours, ...]:
    """The hours of the domain."""
    clocks = [each.split("-") for each in written]
    return tuple(Hours(time.fromisoformat(a), time.fromisoformat(b)) for a, b in clocks)


def season(written: str) -> Season:
    """The season of the domain, of days of every year: `04-01/11-15`."""
    return Season(*written.split("/"))


def blackout(
    dates: Iterable[DaysIn], weekdays: Iterable[int] = (), holidays: Iterable[Holiday] = ()
) -> Blackout:
    """The blackout of the domain."""
    ranges = tuple(days.to_range() for days in dates)
    return Blackout(ranges, frozenset(weekdays), frozenset(each.value for each in holidays))


def read_drafts(files: Iterable[Path], read: Callable[[Any], T], noun: str) -> list[T]:
    """What `read` makes of the records of YAML files, each of which has one record or a list.

    Raises `Invalid` naming file, record and field of every fault in all of them.
    """
    drafts: list[T] = []
    faults: list[Fault] = []
    for file in files:
        try:
            records = _records(file)
        except DataError as error:
            # Its faults begin with the name of the file: `spring.yaml: this cannot be read …`.
            faults += [Fault(file.name, told.partition(": ")[2]) for told in error.faults]
            continue
        for where, record in records:
            try:
                drafts.append(read(record))
            except ValidationError as error:
                faults += _faults(where, error)
    if faults:
        text = Text("文件有误", f"this {noun} file cannot be used")
        raise Invalid(f"{noun}_invalid", text, faults)
    return drafts


def _records(file: Path) -> list[tuple[str, Any]]:
    """The records of a file, and where each of them is. Raises `DataError`."""
    found = load_yaml(file)
    if not isinstance(found, list):
        return [(file.name, found)]
    if not found:
        raise DataError([f"{file.name}: there is no record"])
    return [(f"{file.name}: record {n}", record) for n, record in enumerate(found, start=1)]


def _faults(where: str, error: ValidationError) -> list[Fault]:
    return [Fault(f"{where}: {path or 'record'}", what) for path, what in faults_of(error)]
