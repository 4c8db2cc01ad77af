"""Publishing: products and offers become known to the system, in versions, each wholly checked before any is stored."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from passes.base.audit import AuditLine
from passes.base.errors import Conflict, Fault, Invalid
from passes.base.ports import Audit
from passes.base.text import Text
from passes.offers.offer import Offer
from passes.terms.ports import Spots, Versioned
from passes.terms.product import Product
from passes.terms.terms import missing_from

UNPUBLISHED = 0
"""The number and the version of what has not been published yet."""

_LAST_NUMBER = 0xFFFF

T = TypeVar("T", Product, Offer)

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

    async def preview(self, drafts: Sequence[T]) -> Published:
        """What publishing would do. Raises `Invalid` naming each thing and field that is wrong."""
        published, _ = await self._compare(drafts)
        return published

    async def publish(self, drafts: Sequence[T], by: str, now: datetime) -> Published:
        """Publish all drafts; those that differ from what is published get a new version.

        Publishing the same again changes nothing. Passes keep the terms they were issued with. Raises `Invalid` before
        anything is stored, and `Conflict` if someone else publishes at the same time; what was stored until then stays.
        """
        published, stored = await self._compare(drafts)
        for draft in drafts:
            if draft.id in published.unchanged:
                continue
            old = stored.get(draft.id)
            new = self._next(draft, old) if old else self._first(draft, stored.values())
            if not await self._store.put(new):
                raise Conflict(
                    "published_meanwhile",
                    Text("有人同时在发布，请重试", "someone else is publishing; try again"),
                )
            stored[draft.id] = new
            line = AuditLine(
                now,
                by,
                "change" if old else "publish",
                f"{self.noun}:{new.id}",
                {"version": str(new.version)},
            )
            await self._audit.write(line)
        await self._store.announce()
        return published

    async def _compare(self, drafts: Sequence[T]) -> tuple[Published, dict[str, T]]:
        stored = {each.id: each for each in await self._store.all()}
        ids = [draft.id for draft in drafts]
        faults = [fault for draft in drafts for fault in self._faults(draft, stored.get(draft.id))]
        faults += [
            Fault(f"{twice}.id", "stands twice in these files")
            for twice in sorted({i for i in ids if ids.count(i) > 1})
        ]
        if len(stored.keys() | ids) > _LAST_NUMBER:
            faults.append(Fault("id", f"a system has room for {_LAST_NUMBER} of them"))
        if faults:
            raise Invalid(
                f"{self.noun}_invalid",
                Text("发布内容有误", f"this {self.noun} cannot be published"),
                faults,
            )
        differences = {
            draft.id: _differences(stored[draft.id], self._carried(draft, stored[draft.id]))
            for draft in drafts
            if draft.id in stored
        }
        return (
            Published(
                created=tuple(draft.id for draft in drafts if draft.id not in stored),
                changed=tuple(slug for slug, changes in differences.items() if changes),
                unchanged=tuple(slug for slug, changes in differences.items() if not changes),
                changes={slug: changes for slug, changes in differences.items() if changes},
            ),
            stored,
        )

    def _next(self, draft: T, old: T) -> T:
        carried = self._carried(draft, old)
        return replace(carried, version=old.version + 1)

    @abstractmethod
    def _carried(self, draft: T, old: T) -> T:
        """The draft with all that files do not say from what is published."""

    @abstractmethod
    def _first(self, draft: T, others: Iterable[T]) -> T:
        """The first version of a draft."""

    @abstractmethod
    def _faults(self, draft: T, old: T | None) -> Sequence[Fault]:
        """What a file cannot tell by itself."""


class ProductPublishing(Publishing[Product]):
    """Publishes products."""

    noun = "product"

    def _carried(self, draft: Product, old: Product) -> Product:
        return replace(draft, number=old.number, version=old.version)

    def _first(self, draft: Product, others: Iterable[Product]) -> Product:
        return replace(
            draft, number=max((other.number for other in others), default=0) + 1, version=1
        )

    def _faults(self, draft: Product, old: Product | None) -> Sequence[Fault]:
        """Whether its spots and tags exist and it opens any, on any day."""
        if old is not None and old.offer != draft.offer:
            return [
                Fault(
                    f"{draft.id}.id",
                    "an offer has this id" if old.offer else "a product has this id",
                )
            ]
        coverage = draft.terms.coverage
        spots = [spot for spot_id in self._spots.ids() if (spot := self._spots.get(spot_id))]
        missing = missing_from(coverage, spots)
        if missing:
            return [Fault(f"{draft.id}.coverage", f"there is no {', no '.join(missing)}")]
        covered = {spot.id for spot in spots if coverage.covers(spot)}
        for name, named in (
            ("overrides", draft.terms.overrides),
            ("settlement.spots", draft.terms.settlement.by_spot),
        ):
            if strangers := sorted(named.keys() - covered):
                return [Fault(f"{draft.id}.{name}", f"it does not cover {', '.join(strangers)}")]
        if not any(coverage.covers(spot) for spot in spots):
            return [Fault(f"{draft.id}.coverage", "it covers no spot at all")]
        return []


def _differences(old: Product | Offer, new: Product | Offer) -> tuple[Change, ...]:
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
