"""Terms as visitors see them, for programs; in words they stand beside it, as `rules`."""

from collections.abc import Sequence
from datetime import date
from typing import Self

from pydantic import Field

from handlers.web.models import Out, TextOut
from passes.base.text import Text
from passes.terms.edition import Edition
from passes.terms.holidays import Holiday
from passes.terms.prices import Payment
from passes.terms.terms import Pool, SpotTimes
from passes.terms.times import Hours, Season, Times
from passes.terms.validity import DateRange, Starts, Unactivated
from passes.terms.wording import rules_of


class SpanOut(Out):
    """Business days, both included."""

    start: date
    end: date

    @classmethod
    def of(cls, days: DateRange) -> Self:
        """The view of a range of days."""
        return cls(start=days.start, end=days.end)


class LimitsOut(Out):
    """How often a pass admits; null is without limit."""

    per_spot_day: int | None = Field(examples=[1])
    per_spot: int | None = Field(examples=[None])
    """In the whole term."""
    total: int | None = Field(examples=[None])
    """At all spots together."""
    days: int | None = Field(examples=[None])
    """Different days on which it is used."""
    minutes_between: int | None = Field(examples=[None])
    """From one admission to the next, anywhere."""
    per_month: int | None = Field(examples=[None])
    """In a month of validity, which runs from the first day of the pass."""
    per_year: int | None = Field(examples=[None])
    """In a year of validity."""


class PoolOut(Out):
    """Limits that some spots share; null is without limit."""

    spots: list[str]
    visits: int | None = Field(examples=[3])
    """At all of them together."""
    different: int | None = Field(examples=[2])
    """How many of them can be visited at all."""

    @classmethod
    def of(cls, pool: Pool) -> Self:
        """The view of a pool."""
        return cls(spots=sorted(pool.spots), visits=pool.visits, different=pool.different)


class SeasonOut(Out):
    """Days of every year, both included; one that ends before it starts runs over New Year."""

    start: str = Field(examples=["04-01"])
    end: str = Field(examples=["11-15"])

    @classmethod
    def of(cls, season: Season) -> Self:
        """The view of a season."""
        return cls(start=season.start, end=season.end)


class HoursOut(Out):
    """From `opens` until just before `closes`, in Sichuan and Chongqing."""

    opens: str = Field(examples=["09:00"])
    closes: str = Field(examples=["17:30"])

    @classmethod
    def of(cls, hours: Hours) -> Self:
        """The view of hours."""
        return cls(opens=f"{hours.opens:%H:%M}", closes=f"{hours.closes:%H:%M}")


class TimesOut(Out):
    """When something admits. An empty list restricts nothing."""

    blackout: list[SpanOut]
    """Days on which it does not admit."""
    weekdays: list[int] = Field(examples=[[6, 7]])
    """Weekdays on which it does not admit: Monday is 1."""
    holidays: list[Holiday]
    """Statutory holidays on whose days off it does not admit."""
    season: list[SeasonOut]
    hours: list[HoursOut]

    @classmethod
    def of(cls, times: Times) -> Self:
        """The view of times."""
        return cls(
            blackout=[SpanOut.of(days) for days in times.blackout.dates],
            weekdays=sorted(times.blackout.weekdays),
            holidays=[each for each in Holiday if each in times.blackout.holidays],
            season=[SeasonOut.of(each) for each in times.season],
            hours=[HoursOut.of(each) for each in times.hours],
        )


class SpotTimesOut(Out):
    """Times that hold at some spots, beside those of all."""

    spots: list[str]
    times: TimesOut

    @classmethod
    def of(cls, at: SpotTimes) -> Self:
        """The view of the times of some spots."""
        return cls(spots=sorted(at.spots), times=TimesOut.of(at.times))


class HoldersOut(Out):
    """Who may hold it: an age in full years on the day of issue, and any of the groups."""

    from_age: int | None
    to_age: int | None
    groups: list[str] = Field(examples=[["union_member"]])


class TermsOut(Out):
    """What an edition lets its holder do, with the amendments since.

    It is valid from `valid_from` to `valid_until`, or for so many years, months and days, added up;
    the others are null.
    """

    valid_from: date | None = Field(examples=[None])
    valid_until: date | None = Field(examples=[None])
    years: int | None = Field(examples=[1])
    months: int | None = Field(examples=[None])
    days: int | None = Field(examples=[None])
    starts: Starts
    """What begins its days: issue or activation, the day after, or the first visit."""
    start_within: int | None = Field(examples=[None])
    """Within how many days the first visit has to be, if that begins them."""
    activate_within: int | None = Field(examples=[180])
    """Within how many days after issue its holder activates it; null if nobody has to."""
    unactivated: Unactivated
    """What becomes of one that nobody activated in time."""
    pause_days: int = Field(examples=[0])
    """For how many days in all it may be frozen and then ends so many days later."""
    extended_by: int = Field(examples=[0])
    """By how many days amendments have prolonged it: `valid_until` is still the day before them."""
    limits: LimitsOut
    overrides: dict[str, dict[str, int | None]] = Field(
        examples=[{"emeishan": {"per_spot": 1}}],
    )
    """By spot the limits that are others there; those that are not named stay as they are."""
    pools: list[PoolOut]
    times: TimesOut
    at: list[SpotTimesOut]
    """At some spots, times beside those."""
    admits: int | None = Field(examples=[1])
    """How many people come in on one visit; null if `benefits` say."""
    pays: int | None = Field(examples=[1])
    """How many of them pay, if it is paid at the window."""
    payment: Payment
    re_entry: bool
    """Whether who has left may come back on the same day without another visit."""
    benefit: str | None = Field(examples=["percent:50"])
    """For a voucher, what it is worth: `buy_one_get_one`, `free` or `percent:` and what is taken
    off."""
    benefits: dict[str, str] = Field(examples=[{"emeishan": "buy_one_get_one"}])
    """At some spots of a campaign, another benefit."""
    visits_per_spot_day: int | None = Field(examples=[None])
    """For a campaign, how many visits a day there are at one spot, of all vouchers together."""
    holders: HoldersOut

    @classmethod
    def of(cls, edition: Edition) -> Self:
        """The view of the terms of an edition. What is paid to spots is no term of visitors."""
        terms = edition.terms
        term, holders = terms.term, terms.holders
        valid_from = valid_until = admits = pays = None
        if term.dates is not None:
            valid_from, valid_until = term.dates.start, term.dates.end
        benefits = {}
        if terms.benefits is None:
            admits, pays = terms.party.admits, terms.party.pays
        else:
            benefits = {spot_id: str(each) for spot_id, each in terms.benefits.by_spot.items()}
        return cls(
            valid_from=valid_from,
            valid_until=valid_until,
            years=term.years,
            months=term.months,
            days=term.days,
            starts=term.starts,
            start_within=term.start_within,
            activate_within=term.activate_within,
            unactivated=term.unactivated,
            pause_days=term.pause_days,
            extended_by=edition.extended_by,
            limits=LimitsOut.model_validate(terms.limits, from_attributes=True),
            overrides={spot_id: dict(limits) for spot_id, limits in terms.overrides.items()},
            pools=[PoolOut.of(each) for each in terms.pools],
            times=TimesOut.of(terms.times),
            at=[SpotTimesOut.of(each) for each in terms.at],
            admits=admits,
            pays=pays,
            payment=terms.payment,
            re_entry=terms.re_entry,
            benefit=edition.benefit,
            benefits=benefits,
            visits_per_spot_day=terms.visits_per_spot_day,
            holders=HoldersOut(
                from_age=holders.from_age, to_age=holders.to_age, groups=sorted(holders.groups)
            ),
        )


def rules_out(edition: Edition) -> list[TextOut]:
    """The rules of an edition, a sentence each."""
    return texts_out(rules_of(edition))


def texts_out(texts: Sequence[Text]) -> list[TextOut]:
    """The views of texts."""
    return [TextOut.of(each) for each in texts]
