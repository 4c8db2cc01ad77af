"""Terms that can never admit are told by field."""

from dataclasses import replace
from datetime import date

import pytest

from passes.terms.never import never_admits
from passes.terms.terms import Coverage, Pool, Terms
from passes.terms.times import Blackout, Season
from passes.terms.validity import DateRange, Term

YEAR = Terms(Term(years=1), Coverage(frozenset({"a", "b"})))
MAY = replace(YEAR, term=Term(dates=DateRange(date(2026, 5, 1), date(2026, 5, 31))))
TWO = Pool(Coverage(), spots=frozenset({"a", "b"}))


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (replace(YEAR, blackout=Blackout(weekdays=frozenset(range(1, 8)))), "blackout"),
        (
            replace(MAY, blackout=Blackout(dates=(DateRange(date(2026, 4, 1), date(2026, 6, 1)),))),
            "blackout",
        ),
        (replace(MAY, season=(Season("10-01", "03-31"),)), "blackout"),
        (replace(YEAR, pools=(replace(TWO, different=3),)), "pools.0"),
        (replace(YEAR, pools=(replace(TWO, different=2, visits=1),)), "pools.0"),
        (replace(YEAR, pools=(replace(TWO, spots=frozenset(), visits=1),)), "pools.0"),
    ],
)
def test_terms_that_never_admit_are_told_by_field(terms: Terms, field: str) -> None:
    assert [name for name, _ in never_admits(terms)] == [field]


def test_terms_that_admit_on_one_day_are_not_told() -> None:
    leap_day = replace(YEAR, season=(Season("02-29", "02-29"),))
    assert never_admits(YEAR) == never_admits(MAY) == never_admits(leap_day) == []
    assert never_admits(replace(YEAR, pools=(replace(TWO, different=2, visits=2),))) == []
