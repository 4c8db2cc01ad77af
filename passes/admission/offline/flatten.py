"""Flatten: editions, catalogue and calendar become what holds at one spot on the days of a bundle.

Pure. What a gate cannot know is left out, and said so where a verdict may differ for it.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from passes.admission.offline.flat import DayKind, FlatEdition, Rules
from passes.admission.rules import free_rules
from passes.admission.stop import Stop
from passes.ledger.verdicts import Reason, words_of
from passes.terms.edition import Edition
from passes.terms.holidays import HolidayCalendar
from passes.terms.terms import Limits, SpotFacts, Terms
from passes.terms.times import Hours, Times
from passes.terms.validity import Starts

_WORDS = {each.value: words_of(each) for each in Reason}


def flattened(
    spot: SpotFacts,
    editions: Iterable[Edition],
    calendar: HolidayCalendar,
    stop: Stop | None,
    days: Sequence[date],
) -> Rules:
    """What holds at a spot on some days, the first of which is today.

    Editions that do not open it, or that were over before, are left out.
    """
    found = [
        _flat(edition, spot, calendar, days)
        for edition in editions
        if spot.id in edition.spots and not _is_over(edition, days[0])
    ]
    free = [free_rules(spot, calendar, day) for day in days]
    return Rules(
        spot_id=spot.id,
        days=tuple(days),
        editions={each.number: each for each in found},
        free=tuple(tuple(dict.fromkeys(rule.category for rule in rules)) for rules in free),
        stop=stop,
        words=_WORDS,
    )


def binds(edition: Edition) -> bool:
    """Whether a voucher of an edition may be for one of its spots alone, chosen when it was
    claimed. Where the edition is of one spot, or of a campaign, it is for all of them."""
    coverage = edition.terms.coverage
    of_one_spot = len(coverage.spots) == 1 and not coverage.tags
    return edition.offer and edition.terms.benefits is None and not of_one_spot


def _flat(
    edition: Edition, spot: SpotFacts, calendar: HolidayCalendar, days: Sequence[date]
) -> FlatEdition:
    terms = edition.terms
    limits, times = terms.limits_at(spot.id), terms.times_at(spot.id)
    more_limits = _has_more_limits(terms, limits, spot)
    is_calendar_sure = all(each.sure_of(day, calendar) for each in times for day in days)
    return FlatEdition(
        number=edition.number,
        product_id=edition.product_id,
        version=edition.version,
        title=edition.title,
        covers=True,
        voucher=edition.offer,
        bound=binds(edition),
        benefit=edition.benefit_at(spot),
        longer=_longer(edition),
        last_day=_last_day(edition),
        payment=terms.payment,
        re_entry=terms.re_entry,
        limits=Limits(
            per_spot_day=limits.per_spot_day,
            per_spot=limits.per_spot,
            # Between two visits wherever they are, so it is the same at all spots.
            minutes_between=terms.limits.minutes_between,
        ),
        more_limits=more_limits,
        sure=is_calendar_sure and not more_limits and _tells_its_days(edition),
        days=tuple(_kind(edition, spot, times, calendar, day) for day in days),
    )


def _kind(
    edition: Edition,
    spot: SpotFacts,
    times: Sequence[Times],
    calendar: HolidayCalendar,
    day: date,
) -> DayKind:
    """What holds on a day. The reasons are asked for in the order of the rules."""
    hours = _common_hours(times)
    admits = Reason.OK
    if edition.has_ended_at(spot.id, day):
        admits = Reason.SPOT_WITHDRAWN
    elif not spot.open_on(day):
        admits = Reason.SPOT_CLOSED
    elif not all(each.admit_on(day, calendar) for each in times):
        admits = Reason.BLACKOUT
    elif hours == () and any(each.hours for each in times):
        admits = Reason.OUTSIDE_HOURS
    return DayKind(admits, hours, edition.terms.party_at(spot, day))


def _common_hours(times: Sequence[Times]) -> tuple[Hours, ...]:
    """The hours at which all of them admit; none if none of them names any."""
    common: list[Hours] | None = None
    for each in times:
        if each.hours:
            common = list(each.hours) if common is None else _shared(common, each.hours)
    return tuple(sorted(common or (), key=lambda hours: hours.opens))


def _shared(some: Iterable[Hours], others: Sequence[Hours]) -> list[Hours]:
    spans = [
        Hours(max(one.opens, other.opens), min(one.closes, other.closes))
        for one in some
        for other in others
    ]
    return [span for span in spans if span.opens < span.closes]


def _has_more_limits(terms: Terms, limits: Limits, spot: SpotFacts) -> bool:
    counted = (limits.total, limits.days, limits.per_month, limits.per_year)
    if any(limit is not None for limit in counted) or terms.visits_per_spot_day is not None:
        return True
    # Visits of days before are only known to be all that there are, and to be the last one.
    several_days = limits.per_spot is not None and limits.per_spot > 1
    return several_days or terms.limits.minutes_between is not None or bool(terms.pools_of(spot.id))


def _tells_its_days(edition: Edition) -> bool:
    """Whether the codes of an edition name the days on which their pass is valid."""
    at_first_visit = edition.terms.term.starts is Starts.FIRST_VISIT
    return not at_first_visit and (_longer(edition) == 0 or _last_day(edition) is not None)


def _longer(edition: Edition) -> int:
    return edition.extended_by + edition.terms.term.pause_days


def _last_day(edition: Edition) -> date | None:
    dates = edition.terms.term.dates
    return None if dates is None else dates.end + timedelta(days=_longer(edition))


def _is_over(edition: Edition, today: date) -> bool:
    last_day = _last_day(edition)
    return last_day is not None and last_day < today
