"""Free entry: categories of people whom laws let in free, and what a gate calls them.

Who enters free at a spot stands in the catalogue; whether somebody does here and now is decided in
`passes.admission.rules`.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from passes.base.text import Text


class FreeCategory(StrEnum):
    """A group of people who enter free by law, as a record names one of them."""

    CHILD = "child"
    SENIOR = "senior"
    SOLDIER = "soldier"
    DISABLED_SOLDIER = "disabled_soldier"
    DISABLED = "disabled"
    POLICE = "police"
    FIREFIGHTER = "firefighter"


CATEGORY_NAMES: Mapping[str, Text] = {
    FreeCategory.CHILD: Text("儿童", "child"),
    FreeCategory.SENIOR: Text("老年人", "senior"),
    FreeCategory.SOLDIER: Text("现役军人", "soldier on active duty"),
    FreeCategory.DISABLED_SOLDIER: Text("残疾军人", "disabled soldier"),
    FreeCategory.DISABLED: Text("残疾人", "person with a disability"),
    FreeCategory.POLICE: Text("人民警察", "police officer"),
    FreeCategory.FIREFIGHTER: Text("消防救援人员", "firefighter"),
}


class FreeRule(Protocol):
    """A group that enters a spot free by law; the catalogue has it."""

    @property
    def category(self) -> str:
        """A `FreeCategory`."""

    @property
    def not_on_holidays(self) -> bool:
        """Whether it does not hold on statutory holidays."""

    def admits_age(self, age: int) -> bool:
        """Whether everybody of that age, in full years, enters free."""


def category_of_ages(rules: Sequence[FreeRule], first: int, last: int) -> str | None:
    """The category of somebody from `first` to `last` years old, if they enter free by these rules
    whatever their age is; if two rules together say so, that of the first age."""
    for age in range(first, last + 1):
        if not any(rule.admits_age(age) for rule in rules):
            return None
    return next(rule.category for rule in rules if rule.admits_age(first))
