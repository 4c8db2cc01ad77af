"""Writing: the data files of the catalogue, in one order and form, so that a change is a few
lines."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from scenic_data.model import Level, Spot
from scenic_data.places import Places, city_of

_HEAD = "# yaml-language-server: $schema=../spots.schema.json\n"
_PLAIN = re.compile(r"[1-5]A|[^\W\d_][\w·\-—（）]*( [\w·\-—（）]+)*")
_LEVELS = tuple(Level)


def spot_files(spots: Iterable[Spot], places: Places) -> dict[str, str]:
    """The text of each file by its name: one a city, best known first, each whole before its
    parts."""
    by_city: dict[str, list[Spot]] = {}
    for spot in spots:
        by_city.setdefault(city_of(spot.adcode), []).append(spot)
    return {f"{places.row(city).pinyin}.yaml": _file(there) for city, there in by_city.items()}


def source_file(sources: Mapping[str, Mapping[str, str]]) -> str:
    """The text of `sources.yaml`."""
    lines = []
    for key, source in sources.items():
        lines.append(f"{key}:")
        lines += [f"  {name}: {_flow(value)}" for name, value in source.items()]
    return "\n".join(lines) + "\n"


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Make a folder hold these YAML files and no others."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.yaml"):
        if old.name not in files:
            old.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def _file(spots: list[Spot]) -> str:
    by_id = {spot.id: spot for spot in spots}
    ordered = sorted(spots, key=lambda spot: _place(spot, by_id))
    return _HEAD + "".join(_record(spot) for spot in ordered)


def _place(spot: Spot, by_id: Mapping[str, Spot]) -> tuple[int, str, str, bool, str]:
    """Where a spot stands in its file: behind its whole, if that is in the same file."""
    first = by_id.get(spot.part_of or "", spot)
    rank = len(_LEVELS) if first.level is None else _LEVELS.index(first.level)
    return rank, first.adcode, first.id, first is not spot, spot.id


def _record(spot: Spot) -> str:
    fields = spot.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    lines = [f"{name}: {_flow(value)}" for name, value in fields.items()]
    return f"- {lines[0]}\n" + "".join(f"  {line}\n" for line in lines[1:])


def _flow(value: Any) -> str:
    dumped = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=True,
        allow_unicode=True,
        width=1 << 20,
        sort_keys=False,
    )
    return dumped.removesuffix("\n").removesuffix("\n...")


class _Dumper(yaml.SafeDumper):
    """Words plain, everything that is not a word in double quotes."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - as PyYAML has it
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if _PLAIN.fullmatch(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
