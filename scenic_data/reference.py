"""Reference: the small tables that records of spots point into: places, categories and sources."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, TypeAdapter

from scenic_data.files import DATA, load_yaml
from scenic_data.model import Names
from scenic_data.places import Places


class Source(BaseModel):
    """Where facts come from. `date` is that of the source, `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, where
    it has one."""

    title: str
    licence: str | None = None
    trust: str | None = None
    date: str | None = None


class KnownSource(Source):
    """A source of `sources.yaml`; `attribution` is what its licence asks to be named wherever its
    data are shown."""

    attribution: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """`adcodes.csv`, `categories.yaml` and `sources.yaml`."""

    places: Places
    categories: Mapping[str, Names]
    sources: Mapping[str, KnownSource]

    @classmethod
    def load(cls, data: Path = DATA) -> Self:
        """The tables of a folder of data files. Raises `DataError`."""
        return cls(
            Places.load(data / "adcodes.csv"),
            _NAMED.validate_python(load_yaml(data / "categories.yaml")),
            _SOURCES.validate_python(load_yaml(data / "sources.yaml")),
        )


_NAMED = TypeAdapter(dict[str, Names])
_SOURCES = TypeAdapter(dict[str, KnownSource])
