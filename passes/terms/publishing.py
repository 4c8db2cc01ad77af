"""Publishing: drafts from files become products and offers, in versions.

All drafts of a call are checked wholly before any is stored. Knows no files: a draft is a value
like what is published, without a version.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date, datetime
from typing import Any, Generic, Protocol, TypeVar

from passes.base import typed
from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.calendar import business_day
from passes.base.errors import Conflict, Fault, Invalid
from passes.base.ports import Audit
from passes.base.text import Text
from passes.terms.edition import Edition
from passes.terms.never import never_admits
from passes.terms.ports import Spots, Versioned
from passes.terms.terms import Coverage, SpotFacts, Terms, missing_from

UNPUBLISHED = 0
"""The number and the version of a draft."""

_LAST_NUMBER = 0xFFFF


class Draft(Protocol):
    """What can be published: a dataclass with an id and a version."""

    @property
    def slug(self) -> str:
        """The id under which it is published."""

    @property
    def version(self) -> int:
        """Counts what was published under that id, from 1."""


T = TypeVar("T", bound=Draft)

Change = tuple[str, Any, Any]
"""A field, dotted, with its value before and after."""


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication did, or would do, by id; `changes` tells the fields that differ."""

    created: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    changes: Mapping[str, tuple[Change, ...]]


class Publishing(ABC, Generic[T]):
    """Publishes one kind of thing."""

    noun: str

    def __init__(self, spots: Spots, store: Versioned[T], audit: Audit) -> None:
        """`spots` is the catalogue in memory; the others are stores."""
        self._spots = spots
        self._store: Versioned[T] = store
        self._audit = audit

    async def preview(self, drafts: Sequence[T], today: date) -> Published:
        """What publishing would do. Raises `Invalid` naming each thing and field that is wrong."""
        return self._compare(drafts, await self._store.all(), today)

    async def publish(self, drafts: Sequence[T], by: str, now: datetime) -> Published:
        """Publish all drafts; those that differ from what is published get a new version.

        Publishing the same again changes nothing. Passes keep the terms they were issued with.
        Raises `Invalid` before anything is stored, and `Conflict` if someone else publishes at the
        same time; what was stored until then stays.
        """
        stored = list(await self._store.all())
        published = self._compare(drafts, stored, business_day(now))
        for draft in drafts:
            if draft.slug in published.unchanged:
                continue
            newest = _newest(stored).get(draft.slug)
            new = self._version_after(newest, self._completed(draft, newest), stored)
            action = "change" if newest else "publish"
            detail = {"version": str(new.version)}
            line = AuditLine(now, by, action, f"{self.noun}:{new.slug}", detail)
            async with audited(self._audit) as entry:
                await entry.begin(line)
                if not await self._store.put(new):
                    text = Text("有人同时在发布，请重试", "someone else is publishing; try again")
                    raise Conflict("published_meanwhile", text)
            stored.append(new)
        await self._store.announce()
        return published

    def _compare(self, drafts: Sequence[T], stored: Sequence[T], today: date) -> Published:
        newest = _newest(stored)
        faults = self._all_faults(drafts, newest, today)
        if faults:
            text = Text("发布内容有误", f"this {self.noun} cannot be published")
            raise Invalid(f"{self.noun}_invalid", text, faults)
        differences = {
            draft.slug: differences_of(
                newest[draft.slug], self._completed(draft, newest[draft.slug])
            )
            for draft in drafts
            if draft.slug in newest
        }
        return Published(
            created=tuple(draft.slug for draft in drafts if draft.slug not in newest),
            changed=tuple(slug for slug, changes in differences.items() if changes),
            unchanged=tuple(slug for slug, changes in differences.items() if not changes),
            changes={slug: changes for slug, changes in differences.items() if changes},
        )

    def _all_faults(self, drafts: Sequence[T], newest: Mapping[str, T], today: date) -> list[Fault]:
        slugs = [draft.slug for draft in drafts]
        faults: list[Fault] = []
        for draft in drafts:
            before = newest.get(draft.slug)
            told = self._faults(draft, before)
            faults += told
            # What was right when it was published may be over now: that is no reason to refuse the
            # same file, which changes nothing.
            same = before is not None and self._completed(draft, before) == before
            if not told and not same:
                faults += self._never(draft, today)
        twice = sorted({slug for slug in slugs if slugs.count(slug) > 1})
        return faults + [Fault(f"{slug}.id", "stands twice in these files") for slug in twice]

    def _all_spots(self) -> list[SpotFacts]:
        return [spot for spot_id in self._spots.ids() if (spot := self._spots.get(spot_id))]

    def _meant(self, coverage: Coverage) -> frozenset[str]:
        """The spots that a coverage means in the catalogue of now."""
        return frozenset(spot.id for spot in self._all_spots() if coverage.covers(spot))

    @abstractmethod
    def _completed(self, draft: T, newest: T | None) -> T:
        """The draft with all that its file does not say: what is carried from the newest version,
        whose number and version it bears so that the two can be compared."""

    @abstractmethod
    def _version_after(self, newest: T | None, completed: T, stored: Iterable[T]) -> T:
        """A completed draft as the version that follows the newest one, or as the first."""

    @abstractmethod
    def _faults(self, draft: T, newest: T | None) -> Sequence[Fault]:
        """What a file cannot tell by itself."""

    @abstractmethod
    def _never(self, draft: T, today: date) -> Sequence[Fault]:
        """What can never be used from today on, in a draft that has no other faults."""


class ProductPublishing(Publishing[Edition]):
    """Publishes editions of products. Coverage is resolved to spots here, and only here."""

    noun = "product"

    def _completed(self, draft: Edition, newest: Edition | None) -> Edition:
        number, version = (newest.number, newest.version) if newest else (UNPUBLISHED, UNPUBLISHED)
        covered = self._covered_by(draft)
        terms = self._resolved(draft.terms, covered)
        return replace(draft, number=number, version=version, spots=covered, terms=terms)

    def _resolved(self, terms: Terms, covered: frozenset[str]) -> Terms:
        """The terms with the spots that their pools and times mean, among those covered."""

        def meant(coverage: Coverage) -> frozenset[str]:
            return covered & self._meant(coverage)

        pools = tuple(replace(each, spots=meant(each.coverage)) for each in terms.pools)
        at = tuple(replace(each, spots=meant(each.coverage)) for each in terms.at)
        return replace(terms, pools=pools, at=at)

    def _version_after(
        self, newest: Edition | None, completed: Edition, stored: Iterable[Edition]
    ) -> Edition:
        number = max((edition.number for edition in stored), default=0) + 1
        if number > _LAST_NUMBER:
            fault = Fault("id", f"a system has room for {_LAST_NUMBER} editions")
            text = Text("票种版本过多", "there are too many editions")
            raise Invalid("product_invalid", text, [fault])
        return replace(completed, number=number, version=newest.version + 1 if newest else 1)

    def _faults(self, draft: Edition, newest: Edition | None) -> Sequence[Fault]:
        """Whether its spots and tags exist, and whether it opens any."""
        if newest is not None and newest.offer != draft.offer:
            what = "an offer has this id" if newest.offer else "a product has this id"
            return [Fault(f"{draft.slug}.id", what)]
        faults = self._wrong_with_coverage(draft)
        if faults:
            # What is said of single spots cannot be judged before that is right.
            return faults
        of_spots = {
            "overrides": draft.terms.overrides.keys(),
            "settlement.spots": draft.terms.settlement.by_spot.keys(),
        }
        covered = self._covered_by(draft)
        for name, named in of_spots.items():
            for spot_id in sorted(named - covered):
                what = self._why_not_covered(spot_id)
                faults.append(Fault(f"{draft.slug}.{name}.{spot_id}", what))
        return faults

    def _wrong_with_coverage(self, draft: Edition) -> list[Fault]:
        where = f"{draft.slug}.coverage"
        missing = missing_from(draft.terms.coverage, self._all_spots())
        if missing:
            return [Fault(where, f"there is no {each}") for each in missing]
        if not self._covered_by(draft):
            return [Fault(where, "it covers no spot at all: name one under spots, or a tag")]
        return []

    def _why_not_covered(self, spot_id: str) -> str:
        if self._spots.get(spot_id) is None:
            return f"there is no spot {spot_id}{typed.likest(spot_id, self._spots.ids())}"
        return f"coverage does not open {spot_id}: name it there, too, or take it out here"

    def _never(self, draft: Edition, today: date) -> Sequence[Fault]:
        covered = self._covered_by(draft)
        spots = [spot for spot in self._all_spots() if spot.id in covered]
        resolved = self._resolved(draft.terms, covered)
        faults = [
            Fault(f"{draft.slug}.{name}", what)
            for name, what in never_admits(resolved, spots, today)
        ]
        dates, sale = draft.terms.term.dates, draft.sale
        starts = None if sale is None else sale.start
        if dates is not None and starts is not None and starts > dates.end:
            faults.append(Fault(f"{draft.slug}.sale", "it begins when the dates are over"))
        return faults

    def _covered_by(self, draft: Edition) -> frozenset[str]:
        return self._meant(draft.terms.coverage)


def shrinking(published: Published) -> list[Fault]:
    """What would cover less than half of the spots that its newest version covers: more often a
    mistake in a file, or in the catalogue, than meant."""
    faults = []
    for slug, changes in published.changes.items():
        for name, before, after in changes:
            if name == "spots" and len(after) * 2 < len(before):
                what = f"coverage from {len(before)} to {len(after)} spots"
                faults.append(Fault(slug, what))
    return faults


def _newest(stored: Iterable[T]) -> dict[str, T]:
    """The newest version under each id."""
    newest: dict[str, T] = {}
    for each in stored:
        before = newest.get(each.slug)
        if before is None or before.version < each.version:
            newest[each.slug] = each
    return newest


def differences_of(old: Draft, new: Draft) -> tuple[Change, ...]:
    """The fields, dotted, in which two versions differ."""
    before, after = _flat(old), _flat(new)
    names = [name for name in before | after if before.get(name) != after.get(name)]
    return tuple((name, before.get(name), after.get(name)) for name in names)


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not is_dataclass(value) or isinstance(value, type):
        return {prefix.removesuffix("."): value}
    flat: dict[str, Any] = {}
    for part in fields(value):
        flat |= _flat(getattr(value, part.name), f"{prefix}{part.name}.")
    return flat
