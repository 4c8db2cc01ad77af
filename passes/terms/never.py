"""Terms that can never admit, or that contradict themselves: nobody means them."""

from datetime import date, timedelta

from passes.terms.holidays import NO_HOLIDAYS
from passes.terms.terms import Pool, Terms
from passes.terms.times import Times
from passes.terms.validity import DateRange

_ANY_FOUR_YEARS = DateRange(date(2024, 1, 1), date(2027, 12, 31))
"""Every weekday and every day of the year, 29 February too."""

Contradiction = tuple[str, str]
"""The field, and what is wrong with it."""


def never_admits(terms: Terms) -> list[Contradiction]:
    """What in terms can never be used. Pools and times have to know which spots they mean.

    Holidays do not count here: in a year that is not known they forbid nothing.
    """
    found: list[Contradiction] = []
    dates = terms.term.dates
    if not _admits_within(terms.times, dates or _ANY_FOUR_YEARS):
        found.append(("blackout", "every day is blacked out or out of season"))
    for number, at in enumerate(terms.at):
        if not at.spots:
            found.append((f"at.{number}", "it means no spot that the product covers"))
    for number, pool in enumerate(terms.pools):
        found += [(f"pools.{number}", what) for what in _contradictions_of(pool)]
    return found


def _admits_within(times: Times, span: DateRange) -> bool:
    day = span.start
    while day <= span.end:
        if times.admit_on(day, NO_HOLIDAYS):
            return True
        day += timedelta(days=1)
    return False


def _contradictions_of(pool: Pool) -> list[str]:
    if not pool.spots:
        return ["it means no spot that the product covers"]
    if pool.different is not None and pool.different > len(pool.spots):
        return [f"{pool.different} different spots are more than the {len(pool.spots)} it has"]
    if pool.different is not None and pool.visits is not None and pool.different > pool.visits:
        return [f"{pool.different} different spots need more than {pool.visits} visits"]
    return []
