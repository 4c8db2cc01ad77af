"""Places: the provinces, cities and districts of Sichuan and Chongqing by their GB/T 2260 codes."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_CHONGQING = "500000"
_CITY_SUFFIX, _PROVINCE_SUFFIX = "00", "0000"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an adcode lies. A municipality is its own city; `district` is None for the code of a city."""

    province: str
    city: str
    district: str | None


class Places:
    """The table of adcodes."""

    def __init__(self, names: Mapping[str, str]) -> None:
        """`names` are the Chinese names by adcode."""
        self._names = dict(names)

    @classmethod
    def load(cls, file: Path) -> Self:
        """The places of `adcodes.csv`."""
        with file.open(encoding="utf-8", newline="") as lines:
            return cls({row["adcode"]: row["name"] for row in csv.DictReader(lines)})

    def __contains__(self, adcode: str) -> bool:
        """Whether an adcode is one of a city or a district; that of a province says too little."""
        return adcode in self._names and (adcode == _CHONGQING or not adcode.endswith(_PROVINCE_SUFFIX))

    def at(self, adcode: str) -> Place:
        """Where an adcode lies. Raises `KeyError` for one that is not known."""
        city = _CHONGQING if adcode.startswith("50") else adcode[:4] + _CITY_SUFFIX
        district = None if adcode == city else self._names[adcode]
        return Place(self._names[adcode[:2] + _PROVINCE_SUFFIX], self._names[city], district)
