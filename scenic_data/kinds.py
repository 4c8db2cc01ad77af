"""Kinds: what a spot is, which ticket opens it, and who needs none by law.

Knows what a record may say of it, nothing of passes: what a pass opens stands in its terms.
"""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Strict(BaseModel):
    """What records are made of: nothing that is not known here, and nothing changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Kind(StrEnum):
    """What a spot is, whatever its level; `scenic_data.words` names them for people."""

    SCENIC_AREA = "scenic_area"
    MUSEUM = "museum"
    MEMORIAL = "memorial"
    TEMPLE = "temple"
    TOWN = "town"
    STREET = "street"
    THEME_PARK = "theme_park"
    LAKE = "lake"
    RESORT = "resort"
    LANDMARK = "landmark"
    SHOW = "show"


class Ticket(StrEnum):
    """Which ticket opens a part of a bigger entry."""

    SEPARATE = "separate"
    """One of its own; the price is that of it."""
    JOINT = "joint"
    """One that opens other parts, too; the price is that of it and stands at each of them."""
    FREE = "free"
    """None is needed."""


class FreeFor(StrEnum):
    """Groups of people whom laws and ordinances let in free."""

    CHILDREN = "children"
    SENIORS = "seniors"
    SOLDIERS = "soldiers"
    DISABLED_SOLDIERS = "disabled_soldiers"
    DISABLED = "disabled"
    POLICE = "police"
    FIREFIGHTERS = "firefighters"


_CATEGORIES = {
    FreeFor.CHILDREN: "child",
    FreeFor.SENIORS: "senior",
    FreeFor.SOLDIERS: "soldier",
    FreeFor.DISABLED_SOLDIERS: "disabled_soldier",
    FreeFor.DISABLED: "disabled",
    FreeFor.POLICE: "police",
    FreeFor.FIREFIGHTERS: "firefighter",
}


class FreeEntry(Strict):
    """A group of people who enter free by law; they show a document that proves it."""

    who: FreeFor
    from_age: int | None = Field(default=None, ge=1, le=120)
    """The first age that enters free, in years."""
    to_age: int | None = Field(default=None, ge=0, le=120)
    """The last age that enters free, in years."""
    to_cm: int | None = Field(default=None, ge=50, le=200)
    """The greatest height that enters free, in centimetres. A child needs to be young or short
    enough, not both."""
    not_on_holidays: bool = False
    """Whether it does not hold on statutory holidays."""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.who is FreeFor.CHILDREN and self.to_age is None and self.to_cm is None:
            raise ValueError(
                "children enter free up to an age or a height: give to_age, to_cm or both"
            )
        if self.who is FreeFor.SENIORS and self.from_age is None:
            raise ValueError("seniors enter free from an age on: give from_age")
        if self.from_age is not None and self.to_age is not None and self.to_age < self.from_age:
            raise ValueError("to_age is less than from_age")
        return self

    @property
    def category(self) -> str:
        """What one of them is called at gates and in records."""
        return _CATEGORIES[self.who]

    def admits_age(self, age: int) -> bool:
        """Whether everybody of that age, in full years, enters free: false for what a height or
        another group decides."""
        by_age = self.who is FreeFor.SENIORS or (
            self.who is FreeFor.CHILDREN and self.to_age is not None
        )
        old_enough = self.from_age is None or self.from_age <= age
        young_enough = self.to_age is None or age <= self.to_age
        return by_age and old_enough and young_enough
