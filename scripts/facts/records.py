"""Records: makes records of the catalogue of rows of the facts.

What the facts say of a spot replaces what the catalogue said. What they do not speak of, such as
other names, notices and who enters free by law, stays.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scenic_data.importing import beside_facts
from scenic_data.kinds import Kind
from scenic_data.model import Precision, Spot
from scripts.facts.slugs import short
from scripts.facts.tables import PartRow, Row, SpotRow
from scripts.facts.texts import GROUPS, Texts, Told, groups_of, trust_of

Fields = dict[str, Any]

_ORDER = {group: place for place, group in enumerate(dict.fromkeys(["part", *GROUPS.values()]))}

_KIND_BY_NAME = (
    (
        re.compile(r"(博物馆|博物院|博物馆聚落|陈列馆|展览馆|展览馆新馆|科技馆|美术馆)$"),
        Kind.MUSEUM,
    ),
    (
        re.compile(
            r"(纪念馆|纪念园|纪念地|纪念碑|纪念碑园|故居|旧居|陵园|烈士墓|将军墓|碑林|旧址)$"
        ),
        Kind.MEMORIAL,
    ),
    (re.compile(r"[\u4e00-\u9fff](寺|庙|祠)$"), Kind.TEMPLE),
)
_KIND_BY_CATEGORY = {
    "ancient_town": Kind.TOWN,
    "theme_park": Kind.THEME_PARK,
    "resort": Kind.RESORT,
}
_KIND_FROM_NAME, _KIND_FROM_FACTS = "kind-from-name", "kind-from-facts"
_SAME_PLACE = 1e-9


@dataclass(frozen=True, slots=True)
class Recorder:
    """Makes records. `categories` are keys of `categories.yaml` by their Chinese names."""

    categories: Mapping[str, str]
    texts: Texts

    def of_spot(self, row: SpotRow, slug: str, before: Spot | None) -> Fields:
        """The record of a spot or a venue. Raises `ValueError` for a category that is not known."""
        if row.category not in self.categories:
            raise ValueError(f"category: {row.category!r} is not in categories.yaml")
        category = self.categories[row.category]
        fields = self._base(row, slug, before) | {
            "kind": row.kind or _kind(row.name, category),
            "level": row.level,
            "category": category,
            "open_hours": row.hours,
            "world_heritage": None if row.heritage is None else row.heritage == "yes",
            "address": row.address,
            "phones": list(row.phones),
        }
        fields["sources"]["kind"] = _KIND_FROM_NAME if row.kind is None else _KIND_FROM_FACTS
        self._tell(fields, row, {})
        return _known(fields)

    def of_part(self, row: PartRow, slug: str, before: Spot | None, whole: Fields) -> Fields:
        """The record of a part that is in no other table."""
        fields = self._base(row, slug, before)
        fields |= {"part_of": whole["id"], "ticket": row.ticket, "kind": _kind(row.name, None)}
        fields["sources"]["kind"] = _KIND_FROM_NAME
        if row.precision is Precision.SPOT and _stands_in(row, whole):
            fields["position"]["precision"] = Precision.WHOLE.value
        self._tell(fields, row, whole["sources"])
        return _known(fields)

    def with_part(self, record: Fields, row: PartRow, whole: Fields) -> Fields:
        """The record of a spot that is a part, too: what its own table says of it comes first."""
        part = self.of_part(row, record["id"], None, whole)
        groups = {"part": "part_of", "ticket": "ticket", "price": "price"}
        missing = [group for group, name in groups.items() if name in part and name not in record]
        merged = record | {groups[group]: part[groups[group]] for group in missing}
        if "en" not in record["name"]:
            merged["name"] = record["name"] | {"en": part["name"]["en"]}
            missing.append("name")
        for kind in ("sources", "notes", "confidence"):
            told = {group: part[kind][group] for group in missing if group in part.get(kind, {})}
            merged[kind] = record.get(kind, {}) | told
        return _known(merged)

    def decided_part(self, record: Fields, whole: str, source: str) -> Fields:
        """The record of a spot of which people have decided that it is a part."""
        return record | {
            "part_of": whole,
            "sources": record["sources"] | {"part": source},
            "confidence": record["confidence"] | {"part": "medium"},
        }

    def _base(self, row: Row, slug: str, before: Spot | None) -> Fields:
        """What both kinds of rows say, over what the catalogue keeps."""
        kept: Fields = {"sources": {}, "notes": {}, "confidence": {}}
        if before is not None:
            kept = beside_facts(before)
        price = None if row.peak_yuan is None else {"peak_fen": row.peak_yuan * 100}
        if price is not None and row.off_peak_yuan is not None:
            price["off_peak_fen"] = row.off_peak_yuan * 100
        name = {"zh": row.name} | ({"en": row.english} if row.english else {})
        return kept | {
            "id": slug,
            "name": name,
            "aliases": kept.get("aliases") or _bracketed(row.name),
            "adcode": row.adcode,
            "position": {"lng": row.lng, "lat": row.lat, "precision": row.precision.value},
            "price": price,
        }

    def _tell(self, fields: Fields, row: Row, of_whole: Mapping[str, Any]) -> None:
        """Say where each group of fields comes from and how far to trust it. Raises
        `ValueError`."""
        texts = groups_of(row.source)
        for group, text in texts.items():
            told: Told = self.texts.told(
                text, _keys(of_whole.get({"ticket": "price"}.get(group, group)))
            )
            if told.keys:
                fields["sources"][group] = told.keys[0] if len(told.keys) == 1 else list(told.keys)
            if told.note:
                fields["notes"][group] = told.note
        fields["confidence"] |= trust_of(row.confidence)
        if groups := list(_without_source(fields)):
            raise ValueError(f"source: there is none for {', '.join(groups)}")


def _kind(name: str, category: str | None) -> Kind:
    bare = short(name)
    for pattern, kind in _KIND_BY_NAME:
        if pattern.search(bare):
            return kind
    return _KIND_BY_CATEGORY.get(category or "", Kind.SCENIC_AREA)


def _stands_in(row: PartRow, whole: Fields) -> bool:
    """Whether the pin of a part is only that of its whole: the same point, not trusted by its
    row."""
    there = whole["position"]
    same = abs(row.lng - there["lng"]) < _SAME_PLACE and abs(row.lat - there["lat"]) < _SAME_PLACE
    return same and trust_of(row.confidence).get("position") == "low"


def _bracketed(name: str) -> list[str]:
    """Other names that a name gives: of 阆中张飞庙（汉桓侯祠） both what stands in brackets and the
    rest."""
    found = re.fullmatch(r"(.+?)（(.+)）", name)
    return [found.group(1), *re.split(r"[·、]", found.group(2))] if found else []


def _keys(told: str | list[str] | None) -> tuple[str, ...]:
    if told is None:
        return ()
    return (told,) if isinstance(told, str) else tuple(told)


def _without_source(fields: Fields) -> Iterator[str]:
    """The groups that are filled and say nothing of where they come from."""
    filled = {
        "level": fields.get("level"),
        "price": fields.get("price"),
        "hours": fields.get("open_hours"),
        "heritage": fields.get("world_heritage"),
        "address": fields.get("address"),
        "phone": fields.get("phones"),
        "name": fields["name"].get("en"),
        "part": fields.get("part_of"),
        "ticket": fields.get("ticket"),
        "position": fields["position"],
    }
    for group, value in filled.items():
        if value not in (None, [], ()) and group not in fields["sources"]:
            yield group


def _known(fields: Fields) -> Fields:
    """The fields of which something is known; what is told by groups stands in one order."""
    known = {
        name: value
        for name, value in fields.items()
        if value is not None and value not in ({}, [], ())
    }
    for kind in ("sources", "notes", "confidence"):
        if kind in known:
            known[kind] = dict(
                sorted(known[kind].items(), key=lambda told: _ORDER.get(told[0], len(_ORDER)))
            )
    return known
