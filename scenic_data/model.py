"""A scenic spot, as the data files and the database hold it, and as the rules see it.

The pydantic model is the schema of a record: everything that one record can be wrong in is checked here. What only
the whole catalogue can tell (ids and names used twice, adcodes unknown) is checked in `scenic_data.files`.
"""

from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Trust = Literal["high", "medium", "low", "none"]


class Level(StrEnum):
    """A-levels of GB/T 17775."""

    A5 = "5A"
    A4 = "4A"
    A3 = "3A"
    A2 = "2A"
    A1 = "1A"


class Precision(StrEnum):
    """What a position points at. Only `spot` may be navigated to; the others are the seat of a county or city."""

    SPOT = "spot"
    DISTRICT = "district"
    CITY = "city"


class Status(StrEnum):
    """Whether a spot takes visitors; a retired one is kept for the passes that cover it."""

    OPEN = "open"
    CLOSED = "closed"
    RETIRED = "retired"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Names(_Strict):
    """The official Chinese name, and the English one where there is one."""

    zh: Name
    en: Name | None = None


class Position(_Strict):
    """A WGS-84 position in degrees, within the two provinces and their surroundings."""

    lng: float = Field(ge=97, le=111)
    lat: float = Field(ge=26, le=35)
    precision: Precision


class Price(_Strict):
    """The list price of an adult's gate ticket, in fen; 0 is free entry."""

    peak_fen: int = Field(ge=0, le=100_000)
    off_peak_fen: int | None = Field(default=None, ge=0, le=100_000)


class Spot(_Strict):
    """A scenic spot. What is not known is absent, never guessed."""

    id: Slug
    """The slug, made once and kept for ever."""
    name: Names
    aliases: tuple[Name, ...] = ()
    """Other names that people use, parts of a compound name among them."""
    level: Level
    category: str
    """A key of `categories.yaml`."""
    adcode: str = Field(pattern=r"^5[01][0-9]{4}$")
    """GB/T 2260 code of the district, or of the city where the district is not known."""
    position: Position
    price: Price | None = None
    open_hours: Name | None = None
    world_heritage: bool | None = None
    status: Status = Status.OPEN
    sources: dict[str, str | tuple[str, ...]] = {}
    """For each group of fields the key, or keys, of `sources.yaml`."""
    notes: dict[str, str] = {}
    """A remark on a group of fields, such as what a price does not contain."""
    confidence: dict[str, Trust] = {}
    """How far each group of fields can be trusted."""

    @cached_property
    def province(self) -> str:
        """`sichuan` or `chongqing`, from the adcode."""
        return {"51": "sichuan", "50": "chongqing"}[self.adcode[:2]]

    @property
    def is_open(self) -> bool:
        """Whether it takes visitors at all."""
        return self.status is Status.OPEN

    @cached_property
    def tags(self) -> frozenset[str]:
        """What products may cover the spot by."""
        heritage = {"world_heritage_site"} if self.world_heritage else set()
        return frozenset({self.province, self.level.value, self.category} | heritage)
