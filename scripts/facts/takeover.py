"""Takeover: brings one release of the facts into the data files of the catalogue, with a report.

Everything is worked out and checked before anything is written. Taking the same release over again
changes nothing.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from scenic_data.checking import checked, load_spots
from scenic_data.files import DataError, FileRecord, load_yaml
from scenic_data.importing import OPERATOR, FieldChange, differences
from scenic_data.model import Spot
from scenic_data.places import short_name
from scenic_data.reference import Reference
from scripts.facts.aliases import settled
from scripts.facts.decisions import Decisions
from scripts.facts.matching import By, Matching
from scripts.facts.records import Fields, Recorder
from scripts.facts.slugs import slug, without_brackets
from scripts.facts.tables import Facts, Row, SpotRow, read_facts
from scripts.facts.writing import source_file, spot_files, write_folder


@dataclass(frozen=True, slots=True)
class Report:
    """What a release makes of the catalogue; ids, and names where there is no id."""

    matched: Mapping[str, int]
    """How many rows found their spot, by how they found it."""
    likely: Sequence[str]
    """Spots found by a name that is only like their own: somebody should look at them."""
    created: Sequence[str]
    changed: Mapping[str, tuple[FieldChange, ...]]
    unchanged: Sequence[str]
    not_in_facts: Sequence[str]
    """Spots of the catalogue that no row is about; they stay as they are."""
    left_out: Mapping[str, str]
    """Rows that become no spot, by decision, and why."""
    new_sources: Sequence[str]


@dataclass(frozen=True, slots=True)
class Release:
    """The catalogue as the facts make it, its files, and the report."""

    spots: Sequence[Spot]
    files: Mapping[str, str]
    """The text of each file of `spots/` by its name."""
    sources: str
    """The text of `sources.yaml`."""
    report: Report

    def write(self, data: Path) -> None:
        """Write the data files."""
        write_folder(data / "spots", self.files)
        (data / "sources.yaml").write_text(self.sources, encoding="utf-8", newline="\n")


def take_over(folder: Path, data: Path, day: date) -> Release:
    """The release of the facts in `folder`, over the catalogue in `data`; `day` is that of the
    facts.

    Raises `DataError` with every fault of the tables, else of the records made of them.
    """
    return _Takeover(read_facts(folder), data).release(day)


class _Takeover:
    """One takeover, and what its steps have found."""

    def __init__(self, facts: Facts, data: Path) -> None:
        """Reads the catalogue and the decisions."""
        self.facts = facts
        self.listed: Sequence[SpotRow] = [*facts.spots, *facts.venues]
        self.decisions = Decisions.load()
        self.reference = Reference.load(data)
        self.known_sources: Mapping[str, Mapping[str, str]] = load_yaml(data / "sources.yaml")
        self.texts = self.decisions.texts()
        categories = {names.zh: key for key, names in self.reference.categories.items()}
        self.recorder = Recorder(categories, self.texts)
        self.before = {spot.id: spot for spot in load_spots(data)}
        self.matching = Matching(list(self.before.values()), self.decisions.ids)
        self.twins = _twins(facts)
        """By the name of a part the row of another table that is about the same place."""
        self.parts = [
            row for row in facts.parts if row.name not in self.twins | self.decisions.left_out
        ]
        self.ids: dict[str, str] = {}
        """By `where` of the row."""

    def release(self, day: date) -> Release:
        """Raises `DataError`."""
        # 1. The codes of the facts are those of the catalogue.
        if faults := list(self._code_faults()):
            raise DataError(faults)
        # 2. Each row finds its spot, or gets a new id.
        for rows in (self.facts.spots, self.facts.venues, self.parts):
            self.matching.match(rows)
        self._give_ids()
        # 3. Each row becomes a record; a spot that no row is about stays as it is.
        records = self._records()
        kept = [self.before[each] for each in self.matching.unmatched()]
        named = {spot.name.zh: spot.id for spot in kept}
        records = settled(records, named, self.decisions.aliases)
        # 4. The records are checked, together with what stays.
        dated = [
            FileRecord(record.where, record.fields | {"as_of": day.isoformat()})
            for record in records
        ]
        spots = [self._as_of(spot) for spot in checked(dated, self.reference, kept)]
        sources = self._sources([*spots, *kept])
        return Release(
            spots=[*spots, *kept],
            files=spot_files([*spots, *kept], self.reference.places),
            sources=source_file(sources),
            report=self._report(spots, kept, sources),
        )

    def _code_faults(self) -> Iterator[str]:
        places = self.reference.places
        for row in self.facts.codes:
            if row.level == "province":
                continue
            if row.adcode not in places:
                yield f"{row.where}: adcode: {row.adcode} is not in adcodes.csv; add it there first"
            elif (name := places.row(row.adcode).name) != row.name:
                yield f"{row.where}: name: adcodes.csv calls {row.adcode} {name!r}; make them agree"

    def _give_ids(self) -> None:
        taken = self.before.keys() | set(self.decisions.ids.values())
        for row in (*self.listed, *self.parts):
            match = self.matching.matches.get(row.where)
            if match is not None:
                self.ids[row.where] = match.id
                continue
            place = self.reference.places.at(row.adcode)
            areas = [
                short_name(area)
                for area in (place.province, place.city, place.district or place.city)
            ]
            made = self.decisions.ids.get(row.name) or slug(row.name, areas, taken)
            self.ids[row.where] = made
            taken.add(made)

    def _records(self) -> list[FileRecord]:
        """A record for each row. Raises `DataError`."""
        made: dict[str, FileRecord] = {}  # by `where` of the row
        faults: list[str] = []
        for row in self.listed:
            with _faults_told(row, faults):
                slug = self.ids[row.where]
                made[row.where] = FileRecord(
                    row.where, self.recorder.of_spot(row, slug, self.before.get(slug))
                )
        if not faults:
            self._add_parts(made, faults)
        if faults:
            raise DataError(faults)
        return list(made.values())

    def _add_parts(self, made: dict[str, FileRecord], faults: list[str]) -> None:
        """Add the records of parts, and mark the spots of other tables that are parts."""
        wheres = {row.name: row.where for row in self.listed}

        def whole_of(name: str) -> Fields:
            return made[wheres[name]].fields

        for part in self.parts:
            with _faults_told(part, faults):
                slug = self.ids[part.where]
                fields = self.recorder.of_part(
                    part, slug, self.before.get(slug), whole_of(part.whole)
                )
                made[part.where] = FileRecord(part.where, fields)
        for part in self.facts.parts:
            twin = self.twins.get(part.name)
            if twin is not None:
                with _faults_told(part, faults):
                    fields = self.recorder.with_part(
                        made[twin.where].fields, part, whole_of(part.whole)
                    )
                    made[twin.where] = FileRecord(twin.where, fields)
        for name, decision in self.decisions.parts.items():
            if name in wheres and decision.whole in wheres:
                record = made[wheres[name]]
                fields = self.recorder.decided_part(
                    record.fields, whole_of(decision.whole)["id"], decision.source
                )
                made[wheres[name]] = FileRecord(record.where, fields)

    def _as_of(self, spot: Spot) -> Spot:
        """The spot, as of the day before if nothing else of it has changed."""
        before = self.before.get(spot.id)
        if before is None:
            return spot
        undated = spot.model_copy(update={"as_of": before.as_of})
        return undated if undated == before else spot

    def _sources(self, spots: Sequence[Spot]) -> Mapping[str, Mapping[str, str]]:
        """The sources that the spots name, and those that a text may mean.

        Raises `DataError` for one that is not known.
        """
        used = self.texts.may_mean | {
            key for spot in spots for keys in spot.sources.values() for key in _keys(keys)
        }
        if missing := sorted(used - self.known_sources.keys() - self.texts.made.keys()):
            raise DataError(
                [f"decisions.yaml: sources: there is no {key!r} in sources.yaml" for key in missing]
            )
        # What operators correct later names them, though no shipped spot does.
        kept = used | {OPERATOR}
        known = {key: source for key, source in self.known_sources.items() if key in kept}
        return known | {
            key: self.texts.made[key] for key in sorted(used - self.known_sources.keys())
        }

    def _report(
        self, spots: Sequence[Spot], kept: Sequence[Spot], sources: Mapping[str, object]
    ) -> Report:
        changes = {
            spot.id: differences(self.before[spot.id], spot)
            for spot in spots
            if spot.id in self.before
        }
        matches = self.matching.matches.values()
        return Report(
            matched=Counter(match.by.value for match in matches),
            likely=[match.id for match in matches if match.by in {By.ALIAS, By.CORE}],
            created=[spot.id for spot in spots if spot.id not in self.before],
            changed={each: made for each, made in changes.items() if made},
            unchanged=[each for each, made in changes.items() if not made],
            not_in_facts=[spot.id for spot in kept],
            left_out=self.decisions.left_out,
            new_sources=sorted(sources.keys() - self.known_sources.keys()),
        )


def _twins(facts: Facts) -> dict[str, SpotRow]:
    rows = {(without_brackets(row.name), row.adcode): row for row in (*facts.spots, *facts.venues)}
    twins = {
        part.name: rows.get((without_brackets(part.name), part.adcode)) for part in facts.parts
    }
    whole = {part.name: part.whole for part in facts.parts}
    return {name: row for name, row in twins.items() if row is not None and row.name != whole[name]}


@contextmanager
def _faults_told(row: Row, faults: list[str]) -> Iterator[None]:
    """What is wrong with a row joins the faults, and the next row is looked at."""
    try:
        yield
    except ValueError as error:
        faults.append(f"{row.where}: {error}")


def _keys(keys: str | tuple[str, ...]) -> tuple[str, ...]:
    return (keys,) if isinstance(keys, str) else keys
