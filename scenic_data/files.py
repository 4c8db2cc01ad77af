"""The data files of the catalogue: read, checked wholly, and only then used."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from scenic_data.model import Spot
from scenic_data.places import Places

DATA = Path(__file__).parent / "data"
"""The data files that the project ships."""


class DataError(Exception):
    """Data files that cannot be used. Each of `faults` names file, record, field and what to mend."""

    def __init__(self, faults: list[str]) -> None:
        """`faults` is not empty."""
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class _Read:
    where: str
    spot: Spot


def load_places(data: Path = DATA) -> Places:
    """The places that spots can lie in."""
    return Places.load(data / "adcodes.csv")


def load_spots(data: Path = DATA) -> list[Spot]:
    """All spots of `data/spots/*.yaml`. Raises `DataError` with every fault of every file."""
    faults: list[str] = []
    read = [found for file in sorted((data / "spots").glob("*.yaml")) for found in _read(file, faults)]
    faults += _faults_together(read, load_places(data), load_yaml(data / "categories.yaml"))
    if not read and not faults:
        faults = [f"{data / 'spots'}: there is no data file"]
    if faults:
        raise DataError(faults)
    return [found.spot for found in read]


def load_yaml(file: Path) -> Any:
    """What a YAML file holds. Raises `DataError` naming file and line."""
    try:
        return yaml.load(file.read_text(encoding="utf-8"), Loader=_SafeLoader)  # noqa: S506 - it is a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError([f"{file.name}: this is not YAML: {' '.join(str(error).split())}"]) from None
    except OSError as error:
        raise DataError([f"{file}: {error.strerror}"]) from None


class _SafeLoader(yaml.CSafeLoader):
    """PyYAML's safe loader, which also refuses a key that stands twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"{twice!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _read(file: Path, faults: list[str]) -> Iterator[_Read]:
    """The sound records of a file; what is wrong with the others is added to `faults`."""
    try:
        records = load_yaml(file)
    except DataError as error:
        faults += error.faults
        return
    if not isinstance(records, list):
        faults.append(f"{file.name}: a list of spots is needed")
        return
    for number, record in enumerate(records, start=1):
        spot_id = record.get("id") if isinstance(record, dict) else None
        where = f"{file.name}: record {number} ({spot_id or 'without id'})"
        try:
            yield _Read(where, Spot.model_validate(record))
        except ValidationError as error:
            faults += [f"{where}: {_path(fault['loc'])}: {fault['msg']}" for fault in error.errors()]


def _faults_together(read: list[_Read], places: Places, categories: dict[str, Any]) -> list[str]:
    """What only the whole catalogue can tell: ids and names used twice, unknown adcodes and categories."""
    faults: list[str] = []
    seen: dict[tuple[str, str], str] = {}
    for found in read:
        spot = found.spot
        for field, value in (("id", spot.id), ("name.zh", spot.name.zh)):
            earlier = seen.setdefault((field, value), found.where)
            if earlier != found.where:
                faults.append(f"{found.where}: {field}: {value!r} is already that of {earlier}")
        if spot.adcode not in places:
            faults.append(f"{found.where}: adcode: {spot.adcode} is not in adcodes.csv")
        if spot.category not in categories:
            faults.append(f"{found.where}: category: {spot.category!r} is not in categories.yaml")
    return faults


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) or "record"
