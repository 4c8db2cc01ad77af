"""Importing: what a file of records would make of the catalogue. Works out everything and stores
nothing.

A record whose id is known changes that spot: it needs only the id and what changes, and null says
that something is not known any more. A record with a new id is a new spot. A complete file also
retires the spots that it does not name. No spot is ever deleted, because passes may cover it.

What a correction changes has the operator as its source from then on, and is as of today; what was
said of how far to trust the former value goes. Unless the record says otherwise itself.

The records of a release, which is a new issue of the shipped data files, are whole: a fact that
they do not tell is not known any more. What operators alone know, such as notices, stays.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from scenic_data.checking import checked
from scenic_data.files import FileRecord
from scenic_data.model import GROUPS, Price, Spot, Status
from scenic_data.reference import Reference

NO_FACTS = frozenset(
    {
        "aliases",
        "free_entry",
        "season",
        "closed_weekdays",
        "reservation",
        "notices",
        "images",
        "status",
    }
)
"""The fields of which releases of facts do not speak."""

_NO_FACTS = frozenset({"free_entry", "season", "reservation", "site"})
"""The groups of fields of which releases of facts do not speak."""

OPERATOR = "operator"
"""The key in `sources.yaml` of what operators of the running system know."""

_MANY = 0.1
"""Of all spots: that an import retires more than this is doubted."""

_LEAP = 0.8
"""Of a price: that it changes by more than this is doubted."""

_CHEAP_FEN = 1000
"""Prices below are doubted, unless they are 0: they look like yuan."""

FieldChange = tuple[str, Any, Any]
"""A field, dotted, with its value before and after; None is not known."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole catalogue afterwards, and by id what becomes of each spot that is touched."""

    spots: tuple[Spot, ...]
    created: tuple[str, ...]
    changed: Mapping[str, tuple[FieldChange, ...]]
    unchanged: tuple[str, ...]
    retired: tuple[str, ...]

    @property
    def changes_something(self) -> bool:
        """Whether the catalogue afterwards differs from the one before."""
        return bool(self.created or self.changed or self.retired)


def plan(  # noqa: PLR0913 - an import has as many options as operators need
    records: Sequence[FileRecord],
    stored: Iterable[Spot],
    reference: Reference,
    today: date,
    *,
    complete: bool = False,
    release: bool = False,
    watch: Callable[[Sequence[FileRecord]], Iterable[FileRecord]] = iter,
) -> Plan:
    """What importing the records changes. Raises `DataError` with every fault of every record.

    `watch` is handed the records before the long part of the work, and gives them back one by one.
    For `complete` and `release` see above.
    """
    before = {spot.id: spot for spot in stored}
    named = {record.id for record in records}
    others = [spot for spot in before.values() if spot.id not in named]
    base = beside_facts if release else fields_of
    merged = [
        replace(record, fields=_merged(record, before, base, today, complete)) for record in records
    ]
    dated = {record.id for record in records if release and "as_of" in record.fields}
    given = {}
    for spot in checked(watch(merged), reference, others):
        known = before.get(spot.id)
        if known is None or spot == known or spot.id in dated:
            given[spot.id] = spot
        elif release:
            given[spot.id] = spot.model_copy(update={"as_of": today})
        else:
            given[spot.id] = _corrected(known, spot, today)
    retired = [spot.id for spot in others if complete and spot.status is not Status.RETIRED]
    afterwards = before | given | {slug: _retired(before[slug], today) for slug in retired}
    changes_of = {slug: differences(before[slug], given[slug]) for slug in given if slug in before}
    return Plan(
        spots=tuple(afterwards.values()),
        created=tuple(slug for slug in given if slug not in before),
        changed={slug: changes for slug, changes in changes_of.items() if changes},
        unchanged=tuple(slug for slug, changes in changes_of.items() if not changes),
        retired=tuple(retired),
    )


def mistakes(made: Plan) -> list[str]:
    """What in a plan looks like a mistake, so that an operator has to say that it is meant."""
    found = [
        f"{spot.id}: {what}"
        for spot in made.spots
        if spot.id in made.created or spot.id in made.changed
        for what in _odd_prices(spot.price, made.changed.get(spot.id, ()), spot.id in made.created)
    ]
    if len(made.retired) > len(made.spots) * _MANY:
        found.append(f"it would retire {len(made.retired)} of {len(made.spots)} spots")
    return found


def _odd_prices(price: Price | None, changes: Iterable[FieldChange], new: bool) -> Iterator[str]:
    """What is odd about the prices of a spot that are new or have changed."""
    if price is None:
        return
    fields = {"price.peak_fen": price.peak_fen, "price.off_peak_fen": price.off_peak_fen}
    before = {name: old for name, old, _ in changes if name in fields}
    if new:
        before = dict.fromkeys(fields)
    for name, old in before.items():
        fen = fields[name]
        if fen is None:
            continue
        if old is not None and abs(fen - old) > old * _LEAP:
            yield f"{name}: from {_yuan(old)} to {_yuan(fen)}"
        elif old is None and 0 < fen < _CHEAP_FEN:
            yield f"{name}: {fen} fen are {_yuan(fen)}; for {fen} yuan write {fen * 100}"
    if before and price.off_peak_fen is not None and price.off_peak_fen > price.peak_fen:
        off_peak, peak = _yuan(price.off_peak_fen), _yuan(price.peak_fen)
        yield f"price.off_peak_fen: {off_peak} off peak are more than {peak} at the peak"


def _yuan(fen: int) -> str:
    return f"{fen / 100:.2f} yuan"


def _corrected(before: Spot, spot: Spot, today: date) -> Spot:
    """A spot after a correction by an operator, which says where what it changed comes from."""
    sources, confidence = dict(spot.sources), dict(spot.confidence)
    for group, names in GROUPS.items():
        if all(getattr(spot, name) == getattr(before, name) for name in names):
            continue
        known = any(getattr(spot, name) not in {None, ()} for name in names)
        if sources.get(group) == before.sources.get(group):
            sources.pop(group, None)
            if known:
                sources[group] = OPERATOR
        if confidence.get(group) == before.confidence.get(group):
            confidence.pop(group, None)
    as_of = today if spot.as_of == before.as_of else spot.as_of
    return spot.model_copy(update={"sources": sources, "confidence": confidence, "as_of": as_of})


def _merged(
    record: FileRecord,
    before: Mapping[str, Spot],
    base: Callable[[Spot], dict[str, Any]],
    today: date,
    complete: bool,
) -> dict[str, Any]:
    """The fields of a whole spot: those given, over those that it has."""
    known = before.get(record.id) if record.id else None
    if known is None:
        return {"as_of": today.isoformat()} | record.fields
    fields = _over(base(known), record.fields)
    if complete and known.status is Status.RETIRED and "status" not in record.fields:
        fields["status"] = Status.OPEN.value
    return fields


def _over(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """`new` over `old`, group by group; what becomes None goes, and a group that becomes empty goes
    with it."""
    merged = dict(old)
    for name, value in new.items():
        inside = isinstance(value, Mapping) and isinstance(old.get(name), Mapping)
        merged[name] = _over(old[name], value) or None if inside else value
    return {name: value for name, value in merged.items() if value is not None}


def _retired(spot: Spot, today: date) -> Spot:
    return spot.model_copy(update={"status": Status.RETIRED, "as_of": today})


def differences(old: Spot, new: Spot) -> tuple[FieldChange, ...]:
    """The fields in which two records of a spot differ."""
    before, after = (_flat(spot.model_dump(mode="json", exclude_none=True)) for spot in (old, new))
    names = [name for name in before | after if before.get(name) != after.get(name)]
    return tuple((name, before.get(name), after.get(name)) for name in names)


def fields_of(spot: Spot) -> dict[str, Any]:
    """The fields of a spot as files and the database hold them; what is not known is absent."""
    return spot.model_dump(mode="json", exclude_none=True, exclude_defaults=True)


def beside_facts(spot: Spot) -> dict[str, Any]:
    """The fields of a spot of which a release of facts does not speak."""
    fields = fields_of(spot)
    kept = {name: value for name, value in fields.items() if name in NO_FACTS | {"as_of"}}
    for told in ("sources", "notes", "confidence"):
        kept[told] = {
            group: value for group, value in fields.get(told, {}).items() if group in _NO_FACTS
        }
    return kept


def _flat(fields: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
