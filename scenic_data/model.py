"""A scenic spot, as the data files and the database hold it, and as the rules see it.

The pydantic model is the schema of a record: everything that one record can be wrong in is checked
here. What only the whole catalogue can tell (ids and names used twice, adcodes unknown) is checked
in `scenic_data.checking`.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)

from passes.base import forms, typed
from scenic_data.kinds import FreeEntry, Kind, Strict, Ticket


def _typed_slug(written: object) -> object:
    return typed.slug(written) if isinstance(written, str) else written


def _typed(written: object) -> object:
    return typed.plain(written) if isinstance(written, str) else written


Slug = Annotated[
    str, StringConstraints(pattern=forms.SLUG, max_length=40), BeforeValidator(_typed_slug)
]
"""An id, as `leshan-dafo`. Case, full width and blanks around it decide nothing."""


def _one_line(text: str) -> str:
    if any(unicodedata.category(sign) in {"Cc", "Cf", "Cs"} for sign in text):
        raise ValueError("leave out characters that cannot be seen, and write one line")
    return text


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=80),
    AfterValidator(_one_line),
]
Trust = Literal["high", "medium", "low", "none"]
Weekday = Annotated[int, Field(ge=1, le=7)]


def _no_fraction(written: object) -> object:
    in_yuan = isinstance(written, str) and "." in written
    if in_yuan or isinstance(written, float | bool):
        raise ValueError("write whole fen, such as 18500 for 185 yuan")
    return written


Fen = Annotated[int, BeforeValidator(_no_fraction), Field(ge=0)]
"""Money. A number with a point is refused, because it is yuan by mistake."""

Image = Annotated[str, StringConstraints(pattern=forms.IMAGE, max_length=300)]
Phone = Annotated[str, StringConstraints(pattern=forms.PHONE), BeforeValidator(_typed)]
"""A number to call in China: a landline with its area code, a 400 number, or a short or mobile one
without hyphens."""

_MONTH_DAY = r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"


def _year_days(written: object) -> object:
    if not isinstance(written, str) or not re.fullmatch(f"{_MONTH_DAY}/{_MONTH_DAY}", written):
        raise ValueError("write days of the year as 04-01/11-15")
    for day in written.split("/"):
        try:
            date.fromisoformat(f"2024-{day}")  # a leap year
        except ValueError:
            raise ValueError(f"there is no day {day}") from None
    return written


YearDays = Annotated[
    str,
    BeforeValidator(_year_days),
    WithJsonSchema({"type": "string", "pattern": f"^{_MONTH_DAY}/{_MONTH_DAY}$"}),
]
"""Days of every year, `04-01/11-15`, first and last included; `12-01/02-28` runs over New Year."""


_Adcode = Annotated[str, StringConstraints(pattern=forms.ADCODE_HERE), BeforeValidator(_typed)]


class Level(StrEnum):
    """A-levels of GB/T 17775."""

    A5 = "5A"
    A4 = "4A"
    A3 = "3A"
    A2 = "2A"
    A1 = "1A"


class Precision(StrEnum):
    """What a position points at. Only `spot` may be navigated to.

    `whole` is the position of the bigger entry that the spot is a part of; `district` and `city`
    are their seats.
    """

    SPOT = "spot"
    WHOLE = "whole"
    DISTRICT = "district"
    CITY = "city"


class Status(StrEnum):
    """Whether a spot takes visitors; a retired one is kept for the passes that cover it."""

    OPEN = "open"
    CLOSED = "closed"
    RETIRED = "retired"


class Names(Strict):
    """The official Chinese name, and the English one where there is one."""

    zh: Name = Field(examples=["峨眉山景区"])
    en: Name | None = Field(default=None, examples=["Mount Emei"])


class Position(Strict):
    """A WGS-84 position in degrees, within the two provinces and their surroundings."""

    lng: float = Field(ge=97, le=111)
    lat: float = Field(ge=26, le=35)
    precision: Precision


class Price(Strict):
    """The list price of an adult's gate ticket, in fen; 0 is free entry."""

    peak_fen: Fen = Field(le=100_000, examples=[16000])
    off_peak_fen: Fen | None = Field(default=None, le=100_000, examples=[11000])


class Notice(Strict):
    """What visitors must know now, from `start` until `end`, both included; an end that is absent
    is not known."""

    zh: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
    en: (
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
        | None
    ) = None
    start: date
    end: date | None = None
    closed: bool = False
    """Whether the spot takes no visitors on these days."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end is not None and self.end < self.start:
            raise ValueError("it ends before it begins")
        return self

    def __contains__(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day <= self.end)


GROUPS: Mapping[str, tuple[str, ...]] = {
    "name": ("name",),
    "kind": ("kind",),
    "level": ("level",),
    "category": ("category",),
    "district": ("adcode",),
    "position": ("position",),
    "address": ("address",),
    "phone": ("phones",),
    "price": ("price",),
    "ticket": ("ticket",),
    "hours": ("open_hours",),
    "season": ("season", "closed_weekdays"),
    "reservation": ("reservation",),
    "heritage": ("world_heritage",),
    "site": (),
    "part": ("part_of",),
    "free_entry": ("free_entry",),
}
"""The groups of fields of which sources, notes and confidence are told, and their fields."""


class Spot(Strict):
    """A place with its own ticket and gates. What is not known is absent, never guessed.

    A spot may be a part of a bigger A-level entry, its whole: limits, prices and closures belong to
    each spot by itself, but what covers the whole covers its parts.
    """

    id: Slug
    """The slug, made once and kept for ever."""
    name: Names
    aliases: tuple[Name, ...] = ()
    """Other names that people use, parts of a compound name among them."""
    part_of: Slug | None = None
    """The id of the whole; a whole is no part itself."""
    kind: Kind = Kind.SCENIC_AREA
    level: Level | None = None
    """The A-level that the spot itself has; parts and many museums have none."""
    category: str | None = None
    """A key of `categories.yaml`."""
    adcode: _Adcode
    """GB/T 2260 code of the district, or of the city where the district is not known."""
    position: Position
    address: Name | None = None
    phones: tuple[Phone, ...] = Field(default=(), max_length=5)
    price: Price | None = None
    ticket: Ticket | None = None
    free_entry: tuple[FreeEntry, ...] = ()
    """Who enters free by law."""
    open_hours: Name | None = None
    season: tuple[YearDays, ...] | None = Field(default=None, min_length=1)
    """When in the year it is open; absent if that is not known."""
    closed_weekdays: tuple[Weekday, ...] = ()
    """ISO numbers of the days on which it is closed every week; Monday is 1."""
    reservation: bool | None = None
    """Whether a visit must be booked before."""
    notices: tuple[Notice, ...] = ()
    images: tuple[Image, ...] = Field(default=(), max_length=9)
    world_heritage: bool | None = None
    status: Status = Status.OPEN
    sources: dict[str, str | tuple[str, ...]] = Field(default_factory=dict)
    """For each group of fields the key, or keys, of `sources.yaml`."""
    notes: dict[str, str] = Field(default_factory=dict)
    """A remark on a group of fields, such as what a price does not contain."""
    confidence: dict[str, Trust] = Field(default_factory=dict)
    """How far each group of fields can be trusted."""
    as_of: date
    """The day on which the facts were gathered or last corrected."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.part_of == self.id:
            raise ValueError("part_of: a spot is no part of itself")
        if self.free_entry and "free_entry" not in self.sources:
            raise ValueError(
                "free_entry: who enters free by law needs a source: give sources.free_entry"
            )
        if len(set(self.closed_weekdays)) < len(self.closed_weekdays):
            raise ValueError("a weekday stands twice in closed_weekdays")
        unknown = sorted(
            (self.sources.keys() | self.notes.keys() | self.confidence.keys()) - GROUPS.keys()
        )
        if unknown:
            raise ValueError(
                f"there is no group of fields {', '.join(unknown)}; "
                f"there are {', '.join(sorted(GROUPS))}"
            )
        return self

    @cached_property
    def province(self) -> str:
        """`sichuan` or `chongqing`, from the adcode."""
        return {"51": "sichuan", "50": "chongqing"}[self.adcode[:2]]

    @property
    def ticket_fen(self) -> int | None:
        """What an adult's ticket costs all the year; None if that is not known, or changes with a
        season whose days are not known."""
        if self.price is None:
            return None
        low = self.price.off_peak_fen
        return self.price.peak_fen if low in {None, self.price.peak_fen} else None

    @property
    def takes_visitors(self) -> bool:
        """Whether it is neither closed nor retired."""
        return self.status is Status.OPEN

    def open_on(self, day: date) -> bool:
        """Whether it takes visitors on that day, as far as is known: what is not known does not
        close it."""
        return (
            self.takes_visitors
            and (self.season is None or any(_within(day, season) for season in self.season))
            and day.isoweekday() not in self.closed_weekdays
            and not any(notice.closed and day in notice for notice in self.notices)
        )

    def within(self, whole: "Spot") -> "Spot":
        """This spot as a part of that whole: it bears the tags of it, too, and its id as one more.

        It is still equal to the record: tags are no field of it.
        """
        fields = {name: getattr(self, name) for name in Spot.model_fields}
        part = Spot.model_construct(self.model_fields_set, **fields)
        part.__dict__["tags"] = (
            self.own_tags | whole.own_tags | {whole.id}
        )  # where `tags` is cached
        return part

    @cached_property
    def own_tags(self) -> frozenset[str]:
        """The tags that the record tells: province, kind, level, category,
        `world_heritage_site`."""
        told = (self.level.value if self.level else None, self.category)
        heritage = {"world_heritage_site"} if self.world_heritage else set()
        return frozenset({self.province, self.kind.value, *filter(None, told)} | heritage)

    @cached_property
    def tags(self) -> frozenset[str]:
        """What products may cover the spot by; a part of a whole is told of them by `within`."""
        return self.own_tags


def spots_schema() -> str:
    """The JSON Schema of a file of whole records, for editors; `scenic_data/data/spots.schema.json`
    holds it."""
    return json.dumps(_SPOTS.json_schema(), ensure_ascii=False, indent=2) + "\n"


_SPOTS = TypeAdapter(list[Spot])


def _within(day: date, season: YearDays) -> bool:
    start, end = season.split("/")
    today = f"{day:%m-%d}"
    return start <= today <= end if start <= end else today >= start or today <= end
