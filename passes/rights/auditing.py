"""The yearly audit (个人信息保护合规审计): counts of a year, minors told apart, and no names."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from passes.base.audit import AuditLine
from passes.base.calendar import start_of
from passes.base.ports import Audit
from passes.people.consent import GUARDED_BELOW
from passes.people.visitors import Visitor
from passes.rights.ports import Totals
from passes.rights.requests import AgeGroup, Request, RequestKind, Requests, age_group_in
from passes.rights.retention import SUBJECT

_NAMELESS = "no_real_name"


@dataclass(frozen=True, slots=True)
class RequestsRow:
    """How many requests of one kind, for people of an age group, came to an outcome; `days` is the
    longest that one took, None if none was done."""

    what: str
    by: str
    age_group: str
    outcome: str
    count: int
    days: int | None


@dataclass(frozen=True, slots=True)
class YearAudit:
    """What the audit of a year asks. `accounts` are those of today, by age group in that year."""

    year: int
    accounts: Mapping[str, int]
    guardian_consents_given: int
    guardian_consents_ended: int
    requests: Sequence[RequestsRow]
    retention_runs: int
    removed: Mapping[str, int]
    lookups: int
    lookup_alarms: int


class YearAuditing:
    """Counts what happened in a year."""

    def __init__(self, totals: Totals, requests: Requests, audit: Audit) -> None:
        """All are stores."""
        self._totals = totals
        self._requests = requests
        self._audit = audit

    async def of(self, year: int) -> YearAudit:
        """The audit of a year. Nothing sealed is opened for it."""
        since, until = start_of(date(year, 1, 1)), start_of(date(year + 1, 1, 1))
        accounts: Counter[str] = Counter()
        grown_up = 0
        async for visitor in self._totals.accounts():
            accounts[_group_of(visitor, year)] += 1
            grown_up += _comes_of_age(visitor, year)
        actions = await self._totals.actions(since, until)
        requests = await self._requests.between(since, until)
        runs = [each for each in await self._audit.about(SUBJECT) if since <= each.at < until]
        return YearAudit(
            year=year,
            accounts=dict(sorted(accounts.items())),
            guardian_consents_given=actions.consents_given,
            guardian_consents_ended=(
                grown_up + actions.consents_ended + sum(map(_ends_a_consent, requests))
            ),
            requests=_rows(requests),
            retention_runs=len(runs),
            removed=_removed(runs),
            lookups=actions.lookups,
            lookup_alarms=actions.lookup_alarms,
        )


def _group_of(visitor: Visitor, year: int) -> str:
    if visitor.consent is None:
        return _NAMELESS
    return age_group_in(year, visitor.consent.born_year)


def _comes_of_age(visitor: Visitor, year: int) -> bool:
    """Whether a guardian's consent ends in that year, because the child is 14."""
    consent = visitor.consent
    if consent is None or consent.guardian is None or consent.born_year is None:
        return False
    return consent.born_year + GUARDED_BELOW == year


def _ends_a_consent(request: Request) -> bool:
    erased = request.what is RequestKind.ERASE and request.done_at is not None
    return erased and request.guarded


def _rows(requests: Sequence[Request]) -> Sequence[RequestsRow]:
    """The requests of a year, summed up."""
    alike: dict[tuple[str, str, AgeGroup, str], list[Request]] = {}
    for each in requests:
        key = (each.what, each.by, each.age_group, each.outcome)
        alike.setdefault(key, []).append(each)
    return [
        RequestsRow(*key, len(some), max(_days(some), default=None))
        for key, some in sorted(alike.items())
    ]


def _days(requests: Sequence[Request]) -> list[int]:
    return [each.days for each in requests if each.days is not None]


def _removed(runs: Sequence[AuditLine]) -> Mapping[str, int]:
    """What the runs of a year have removed together."""
    removed: Counter[str] = Counter()
    for run in runs:
        removed.update({name: int(count) for name, count in run.detail.items()})
    return dict(removed)
