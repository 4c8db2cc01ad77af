"""Terms that can never admit, or that contradict themselves: nobody means them."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta

from passes.terms.holidays import NO_HOLIDAYS
from passes.terms.terms import Pool, SpotFacts, Terms
from passes.terms.times import Times
from passes.terms.validity import DateRange

_FOUR_YEARS = timedelta(days=4 * 366)
"""Long enough for every weekday and every day of the year, 29 February too."""

Contradiction = tuple[str, str]
"""The field, and what is wrong with it."""


def never_admits(terms: Terms, spots: Collection[SpotFacts], today: date) -> list[Contradiction]:
    """What in terms can never be used from today on. Pools and times have to know which spots they
    mean; `spots` are all that the terms cover.

    Holidays do not count here: in a year that is not known they forbid nothing.
    """
    dates = terms.term.dates
    if dates is not None and dates.end < today:
        return [("term.dates", f"they were over on {dates.end}")]
    found: list[Contradiction] = []
    if not any(spot.takes_visitors for spot in spots):
        found.append(("coverage", "every spot that it covers is closed or retired"))
    span = DateRange(today, today + _FOUR_YEARS)
    if dates is not None:
        span = DateRange(max(dates.start, today), dates.end)
    if _admits_within([terms.times], span):
        found += _never_at_spots(terms, span)
    else:
        found.append(("blackout", "every day is blacked out or out of season"))
    for number, pool in enumerate(terms.pools):
        found += [(f"pools.{number}", what) for what in _contradictions_of(pool)]
    return found


def _never_at_spots(terms: Terms, span: DateRange) -> list[Contradiction]:
    """Times of their own with which some spots never admit, alone or together with others there."""
    found = []
    spots_by_times: dict[tuple[int, ...], list[str]] = {}
    for number, at in enumerate(terms.at):
        if not at.spots:
            found.append((f"at.{number}", "it means no spot that the product covers"))
    for spot_id in sorted(frozenset[str]().union(*(at.spots for at in terms.at))):
        numbers = tuple(n for n, at in enumerate(terms.at) if spot_id in at.spots)
        spots_by_times.setdefault(numbers, []).append(spot_id)
    for numbers, spot_ids in spots_by_times.items():
        times = [terms.times, *(terms.at[number].times for number in numbers)]
        told = ", ".join(spot_ids)
        if not _admits_within(times, span):
            found.append((f"at.{numbers[-1]}", f"no day is left for {told}"))
        elif not _hours_meet(times):
            found.append((f"at.{numbers[-1]}", f"no hour of the day is left for {told}"))
    return found


def _admits_within(all_times: Iterable[Times], span: DateRange) -> bool:
    """Whether all of these times admit together on a day."""
    together = tuple(all_times)
    day = span.start
    while day <= span.end:
        if all(times.admit_on(day, NO_HOLIDAYS) for times in together):
            return True
        day += timedelta(days=1)
    return False


def _hours_meet(all_times: Sequence[Times]) -> bool:
    """Whether there is an hour of the day in all of these times. If so, one of them opens then."""
    limited = [times.hours for times in all_times if times.hours]
    openings = [each.opens for hours in limited for each in hours]
    for clock in openings:
        if all(any(each.opens <= clock < each.closes for each in hours) for hours in limited):
            return True
    return not limited


def _contradictions_of(pool: Pool) -> list[str]:
    if not pool.spots:
        return ["it means no spot that the product covers"]
    if pool.different is not None and pool.different > len(pool.spots):
        return [f"{pool.different} different spots are more than the {len(pool.spots)} it has"]
    if pool.different is not None and pool.visits is not None and pool.different > pool.visits:
        return [f"{pool.different} different spots need more than {pool.visits} visits"]
    return []
