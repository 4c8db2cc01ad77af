"""Places: the provinces, cities and districts of Sichuan and Chongqing by their GB/T 2260 codes."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from scenic_data.geo import Point

_CHONGQING = "500000"
_CITY_SUFFIX, _PROVINCE_SUFFIX = "00", "0000"
_ENDING = re.compile(r"((土家|苗|藏|羌|彝)族)+自治[州县]$|[市区县]$")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an adcode lies, in Chinese. A municipality is its own city; `district` is None for the code of a city."""

    province: str
    city: str
    district: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table of adcodes. `seat` is the WGS-84 position of its government, where known."""

    adcode: str
    name: str
    pinyin: str
    seat: Point | None


class Places:
    """The table of adcodes."""

    def __init__(self, rows: Iterable[Row]) -> None:
        """One row an adcode."""
        self._rows = {row.adcode: row for row in rows}

    @classmethod
    def load(cls, file: Path) -> Self:
        """The places of `adcodes.csv`."""
        with file.open(encoding="utf-8", newline="") as lines:
            return cls(_row(line) for line in csv.DictReader(lines))

    def __contains__(self, adcode: str) -> bool:
        """Whether an adcode is one of a city or a district; that of a province says too little."""
        return adcode in self._rows and (
            adcode == _CHONGQING or not adcode.endswith(_PROVINCE_SUFFIX)
        )

    def at(self, adcode: str) -> Place:
        """Where an adcode lies. Raises `KeyError` for one that is not known."""
        city = city_of(adcode)
        district = None if adcode == city else self._rows[adcode].name
        return Place(
            self._rows[adcode[:2] + _PROVINCE_SUFFIX].name, self._rows[city].name, district
        )

    def row(self, adcode: str) -> Row:
        """The row of an adcode. Raises `KeyError` for one that is not known."""
        return self._rows[adcode]

    def cities(self, called: str) -> frozenset[str]:
        """The adcodes of the cities with that name, name without its ending (成都), pinyin or adcode."""
        return frozenset(
            row.adcode for row in self._called(called) if row.adcode == city_of(row.adcode)
        )

    def districts(self, called: str) -> frozenset[str]:
        """The same for districts, which have no pinyin here; some names stand for several."""
        return frozenset(
            row.adcode for row in self._called(called) if row.adcode != city_of(row.adcode)
        )

    def _called(self, name: str) -> Iterator[Row]:
        for row in self._rows.values():
            short = short_name(row.name)
            names = {row.adcode, row.name, row.pinyin, short}
            if row.adcode in self and name in names:
                yield row


def short_name(name: str) -> str:
    """The name of a place without its kind: 成都 for 成都市, 石柱 for 石柱土家族自治县; one sign is no name."""
    short = _ENDING.sub("", name)
    return short if len(short) > 1 else name


def city_of(adcode: str) -> str:
    """The adcode of the city that an adcode lies in."""
    return _CHONGQING if adcode.startswith("50") else adcode[:4] + _CITY_SUFFIX


def _row(line: dict[str, str]) -> Row:
    seat = Point(float(line["lng"]), float(line["lat"])) if line["lng"] else None
    return Row(line["adcode"], line["name"], line["pinyin"], seat)
