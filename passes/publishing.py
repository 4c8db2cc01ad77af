"""Publishing: products become known to the system, in versions, each wholly checked before anything is stored."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

from passes.errors import Conflict, Fault, Invalid
from passes.model import Product
from passes.ports import Audit, AuditLine, Products, Spots
from passes.terms import missing_from
from passes.texts import Text

UNPUBLISHED = 0
"""The number and the version of a product that has not been published yet."""

_LAST_NUMBER = 0xFFFF


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication did, or would do, by product id; `changes` names the fields that differ."""

    created: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    changes: dict[str, tuple[str, ...]]


class Publishing:
    """Publishes products."""

    def __init__(self, spots: Spots, products: Products, audit: Audit) -> None:
        """`spots` is the catalogue in memory; the others are stores."""
        self._spots = spots
        self._products = products
        self._audit = audit

    async def preview(self, drafts: Sequence[Product]) -> Published:
        """What publishing would do. Raises `Invalid` naming each product and field that is wrong."""
        published, _ = await self._compare(drafts)
        return published

    async def publish(self, drafts: Sequence[Product], by: str, now: datetime) -> Published:
        """Publish all drafts; those that differ from what is published get a new version.

        Publishing the same again changes nothing. Sold passes keep the terms they were sold with.
        Raises `Invalid` before anything is stored, `Conflict` if someone else publishes at the same time.
        """
        published, stored = await self._compare(drafts)
        number = max((product.number for product in stored.values()), default=0)
        for draft in drafts:
            if draft.id in published.unchanged:
                continue
            old = stored.get(draft.id)
            number = number if old else number + 1
            product = replace(draft, number=old.number if old else number, version=old.version + 1 if old else 1)
            if not await self._products.put(product):
                raise Conflict(
                    "published_meanwhile", Text("有人同时在发布，请重试", "someone else is publishing; try again")
                )
            action = "change" if old else "publish"
            await self._audit.write(
                AuditLine(now, by, action, f"product:{product.id}", {"version": str(product.version)})
            )
        return published

    async def _compare(self, drafts: Sequence[Product]) -> tuple[Published, dict[str, Product]]:
        stored = {product.id: product for product in await self._products.all()}
        faults = [fault for draft in drafts for fault in self._faults(draft)]
        ids = [draft.id for draft in drafts]
        faults += [
            Fault(f"{twice}.id", "stands twice in these files")
            for twice in sorted({i for i in ids if ids.count(i) > 1})
        ]
        if len(stored.keys() | ids) > _LAST_NUMBER:
            faults.append(Fault("id", f"a system has room for {_LAST_NUMBER} products"))
        if faults:
            raise Invalid("product_invalid", Text("票种定义有误", "a product cannot be published"), faults)
        changes = {draft.id: _changes(stored[draft.id], draft) for draft in drafts if draft.id in stored}
        return (
            Published(
                created=tuple(draft.id for draft in drafts if draft.id not in stored),
                changed=tuple(slug for slug, names in changes.items() if names),
                unchanged=tuple(slug for slug, names in changes.items() if not names),
                changes={slug: names for slug, names in changes.items() if names},
            ),
            stored,
        )

    def _faults(self, draft: Product) -> list[Fault]:
        """What a product file cannot tell by itself: whether its spots exist and it opens any."""
        coverage = draft.terms.coverage
        spots = [spot for spot_id in self._spots.ids() if (spot := self._spots.get(spot_id))]
        missing = missing_from(coverage, spots)
        if missing:
            return [Fault(f"{draft.id}.coverage", f"there is no {', no '.join(missing)}")]
        if not any(coverage.covers(spot) for spot in spots):
            return [Fault(f"{draft.id}.coverage", "it covers no spot at all")]
        return []


def _changes(old: Product, draft: Product) -> tuple[str, ...]:
    """The names of the fields in which a draft differs from what is published."""
    draft = replace(draft, number=old.number, version=old.version)
    return tuple(f.name for f in fields(Product) if getattr(old, f.name) != getattr(draft, f.name))
