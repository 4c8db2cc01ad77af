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
