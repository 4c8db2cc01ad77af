"""Who enters free by law, and what the office is told of it when it sells to them."""

import pytest

from scenic_data.kinds import FreeEntry, FreeFor
from scenic_data.model import Spot
from scripts.passes import free_by_law_warnings

CHILDREN = FreeEntry(who=FreeFor.CHILDREN, to_age=6, to_cm=120)
SHORT = FreeEntry(who=FreeFor.CHILDREN, to_cm=120)
SENIORS = FreeEntry(who=FreeFor.SENIORS, from_age=65)
YOUNGER_SENIORS = FreeEntry(who=FreeFor.SENIORS, from_age=60, to_age=64, not_on_holidays=True)
SOLDIERS = FreeEntry(who=FreeFor.SOLDIERS)


@pytest.mark.parametrize(
    ("rule", "free", "not_free"),
    [
        (CHILDREN, (0, 6), (7, 65)),
        (SHORT, (), (0, 6)),
        (SENIORS, (65, 120), (6, 64)),
        (YOUNGER_SENIORS, (60, 64), (59, 65)),
        (SOLDIERS, (), (0, 20, 65)),
    ],
)
def test_an_age_is_free_within_the_bounds_of_a_rule_that_goes_by_age(
    rule: FreeEntry, free: tuple[int, ...], not_free: tuple[int, ...]
) -> None:
    assert all(rule.admits_age(age) for age in free)
    assert not any(rule.admits_age(age) for age in not_free)


@pytest.mark.parametrize(
    ("age", "warnings"),
    [
        (30, []),
        (6, ["at 6 the holder enters free by law at 1 of 3 spots"]),
        (70, ["at 70 the holder enters free by law at 2 of 3 spots"]),
        (
            62,
            [
                "at 62 the holder enters free by law at 1 of 3 spots "
                "(1 of them not on statutory holidays)"
            ],
        ),
    ],
)
def test_the_office_is_told_at_how_many_spots(age: int, warnings: list[str]) -> None:
    rules = [(CHILDREN, SENIORS), (YOUNGER_SENIORS, SENIORS, SOLDIERS), ()]
    spots = [Spot.model_construct(free_entry=each) for each in rules]
    assert free_by_law_warnings(spots, age) == warnings
