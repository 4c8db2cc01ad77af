"""Traits: what reports need to know of a holder, and no more."""

from dataclasses import replace
from datetime import date

import pytest

from passes.people.identity import DocumentKind
from passes.people.traits import AgeBand, traits_of
from tests.support.build import HOLDER, TODAY


@pytest.mark.parametrize(
    ("born", "band"),
    [
        (TODAY, AgeBand.UNDER_6),
        (date(2020, 7, 2), AgeBand.UNDER_6),
        (date(2020, 7, 1), AgeBand.UNDER_14),
        (date(2012, 7, 1), AgeBand.UNDER_18),
        (date(2008, 7, 1), AgeBand.UNDER_60),
        (date(1966, 7, 1), AgeBand.UNDER_65),
        (date(1961, 7, 2), AgeBand.UNDER_65),
        (date(1961, 7, 1), AgeBand.FROM_65),
        (date(1900, 1, 1), AgeBand.FROM_65),
    ],
)
def test_a_band_begins_on_the_birthday(born: date, band: AgeBand) -> None:
    assert traits_of(replace(HOLDER, born=born), TODAY).age_band is band


def test_only_a_resident_id_number_tells_where_somebody_comes_from() -> None:
    assert traits_of(HOLDER, TODAY).origin == "1101"
    passport = replace(HOLDER, kind=DocumentKind.PASSPORT, number="E1234567", country="FRA")
    assert traits_of(passport, TODAY).origin is None


def test_a_pass_knows_when_its_holder_comes_into_another_age_band() -> None:
    """A child of ten turns 14 while a pass of five years is valid."""
    child = replace(HOLDER, born=date(2016, 3, 7))
    traits = traits_of(child, TODAY, date(2031, 6, 30))
    assert traits.age_band is AgeBand.UNDER_14
    assert [(turn.on, turn.age_band) for turn in traits.turns] == [
        (date(2030, 3, 7), AgeBand.UNDER_18)
    ]
    assert traits.age_band_on(date(2030, 3, 6)) is AgeBand.UNDER_14
    assert traits.age_band_on(date(2030, 3, 7)) is AgeBand.UNDER_18


def test_most_passes_know_no_turn() -> None:
    assert traits_of(HOLDER, TODAY, date(2027, 6, 30)).turns == ()
    born_on_a_leap_day = replace(HOLDER, born=date(2008, 2, 29))
    (turn,) = traits_of(born_on_a_leap_day, date(2025, 7, 1), date(2026, 6, 30)).turns
    assert turn.on == date(2026, 3, 1)
