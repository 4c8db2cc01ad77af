"""Amendments: changes in favour of passes that were sold already.

An edition is never changed. An amendment stands beside it and only adds: days at the end, spots,
visits. Every process applies all amendments when it loads the editions, so they hold at every gate
at once, for each pass that names one of those versions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from passes.base import typed
from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.errors import Conflict, Fault, Invalid, unknown
from passes.base.ports import Audit
from passes.base.text import Text
from passes.terms.edition import Edition
from passes.terms.ports import Spots, Versioned
from passes.terms.terms import Limits

LIMITS_OF_VISITS = ("per_spot_day", "per_spot", "total", "days", "per_month", "per_year")
"""The limits that an amendment can raise."""

_LONGEST = 3660
_PRODUCT = Text("票种", "product")


@dataclass(frozen=True, slots=True)
class Amendment:
    """What is added to some versions of a product, to all there are if none is named.

    `number` counts the amendments of a product, from 1. `limits` are new values by name, each
    higher than before.
    """

    product_id: str
    number: int
    at: datetime
    reason: str
    versions: frozenset[int] = frozenset()
    days: int = 0
    spots: frozenset[str] = frozenset()
    limits: Mapping[str, int] = field(default_factory=dict)

    def is_for(self, edition: Edition) -> bool:
        """Whether it amends that edition. One that is published later has what it needs itself."""
        return edition.product_id == self.product_id and edition.version in self.versions


class Amendments(Protocol):
    """Where amendments are stored."""

    async def all(self) -> Sequence[Amendment]:
        """Every amendment, in order of product and number."""

    async def add(self, amendment: Amendment) -> bool:
        """Store an amendment; False if another has its number."""

    async def announce(self) -> None:
        """Tell every process to load anew."""


def amended(edition: Edition, amendments: Iterable[Amendment]) -> Edition:
    """The edition as passes have it now, with all amendments that are for it."""
    for each in amendments:
        if each.is_for(edition):
            limits = _raised(edition.terms.limits, each.limits)
            edition = replace(
                edition,
                spots=edition.spots | each.spots,
                terms=replace(edition.terms, limits=limits),
                extended_by=edition.extended_by + each.days,
            )
    return edition


def _raised(limits: Limits, to: Mapping[str, int]) -> Limits:
    """The limits with higher values; what has no limit keeps none."""
    now = {name: getattr(limits, name) for name in to}
    higher = {name: max(value, to[name]) for name, value in now.items() if value is not None}
    return replace(limits, **higher)


class Amending:
    """Amends products."""

    def __init__(
        self, spots: Spots, editions: Versioned[Edition], store: Amendments, audit: Audit
    ) -> None:
        """`spots` is the catalogue in memory; the others are stores."""
        self._spots = spots
        self._editions = editions
        self._store = store
        self._audit = audit

    async def preview(self, wanted: Amendment) -> Amendment:
        """The amendment as it would be stored, with its number and the versions that it is for; or
        the newest one, if that is the same.

        Raises `Unknown` if there is no such product, `Invalid` naming what is no addition.
        """
        editions = [
            each for each in await self._editions.all() if each.product_id == wanted.product_id
        ]
        if not editions:
            raise unknown(_PRODUCT, wanted.product_id)
        before = [each for each in await self._store.all() if each.product_id == wanted.product_id]
        there = frozenset(each.version for each in editions)
        numbered = replace(wanted, number=len(before) + 1, versions=wanted.versions or there)
        if before and before[-1] == replace(numbered, number=len(before), at=before[-1].at):
            return before[-1]
        faults = [*self._faults(numbered, there), *_not_raised(numbered, editions, before)]
        if faults:
            raise Invalid("amendment_invalid", Text("补充条款有误", "this is no amendment"), faults)
        return numbered

    async def amend(self, wanted: Amendment, by: str, now: datetime) -> Amendment:
        """Store an amendment; it holds at every gate within seconds.

        The same as the newest one is that made again, after an answer that was lost, and adds
        nothing: who means it twice gives two reasons.

        Raises what `preview` raises, and `Conflict` if somebody else amends at the same time.
        """
        amendment = await self.preview(wanted)
        if amendment in await self._store.all():
            await self._store.announce()
            return amendment
        amendment = replace(amendment, at=now)
        detail = {
            "number": str(amendment.number),
            "versions": " ".join(map(str, sorted(amendment.versions))),
            "days": str(amendment.days),
            "spots": " ".join(sorted(amendment.spots)),
            "limits": " ".join(f"{name}={value}" for name, value in amendment.limits.items()),
            "reason": amendment.reason,
        }
        line = AuditLine(now, by, "amend", f"product:{amendment.product_id}", detail)
        async with audited(self._audit) as entry:
            await entry.begin(line)
            if not await self._store.add(amendment):
                text = Text("有人同时在修改，请重试", "someone else is amending; try again")
                raise Conflict("amended_meanwhile", text)
        await self._store.announce()
        return amendment

    def _faults(self, wanted: Amendment, there: frozenset[int]) -> list[Fault]:
        """What is wrong by itself."""
        faults = []
        if not (wanted.days or wanted.spots or wanted.limits):
            faults.append(Fault("amendment", "it adds nothing: give days, spots or limits"))
        if not 0 <= wanted.days <= _LONGEST:
            faults.append(Fault("days", f"give 0 to {_LONGEST}; days are only added"))
        ids = list(self._spots.ids())
        for stranger in sorted(wanted.spots - set(ids)):
            near = typed.likest(stranger, ids)
            faults.append(Fault("spots", f"there is no spot {stranger}{near}"))
        if missing := sorted(wanted.versions - there):
            faults.append(Fault("versions", f"there is no version {', '.join(map(str, missing))}"))
        if not wanted.reason.strip():
            faults.append(Fault("reason", "say why, for the audit log"))
        return faults


def _not_raised(
    wanted: Amendment, editions: Iterable[Edition], before: Sequence[Amendment]
) -> list[Fault]:
    """Limits that would not be higher than they are for any of the versions."""
    faults = []
    now = [amended(each, before) for each in editions if each.version in wanted.versions]
    for name, value in wanted.limits.items():
        if name not in LIMITS_OF_VISITS:
            faults.append(Fault(name, f"has to be one of {', '.join(LIMITS_OF_VISITS)}"))
            continue
        limits = [getattr(each.terms.limits, name) for each in now]
        if all(limit is None for limit in limits):
            faults.append(Fault(name, "is without limit already"))
        elif all(limit is None or value <= limit for limit in limits):
            faults.append(Fault(name, f"{value} is not more than there is now"))
    return faults
