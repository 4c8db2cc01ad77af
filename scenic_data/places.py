"""Places: the provinces, cities and districts of Sichuan and Chongqing by their GB/T 2260 codes.

Knows how each is called in Chinese and in pinyin. The pinyin is written by hand: dictionaries
misread places (长宁 is Changning, 荥经 is Yingjing).
"""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from scenic_data.geo import Point
from scenic_data.wording import joined

_CHONGQING = "500000"
_CITY_SUFFIX, _PROVINCE_SUFFIX = "00", "0000"
_ENDING = re.compile(r"((土家|苗|藏|羌|彝)族)+自治[州县]$|[省市区县]$")
_KINDS = {"省": "sheng", "市": "shi", "区": "qu", "县": "xian", "州": "zhou"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an adcode lies, in Chinese. A municipality is its own city.

    `district` is None for the code of a city.
    """

    province: str
    city: str
    district: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table of adcodes."""

    adcode: str
    name: str
    pinyin: str
    """Of the name without its kind, `leshan`; of all of it if one character is left, `lixian`."""
    seat: Point | None
    """The WGS-84 position of its government, where known."""

    def forms(self) -> frozenset[str]:
        """How people write it, in the form of `wording.joined`: 阿坝, 阿坝州, aba, abazhou …"""
        short, kind = short_name(self.name), self.name[-1]
        forms = {self.name, short, self.pinyin}
        if short != self.name:
            forms |= {short + kind, self.pinyin + _KINDS[kind]}
        return frozenset(map(joined, forms))


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

    def rows(self) -> Iterable[Row]:
        """All rows, in the order of the table."""
        return self._rows.values()

    def cities(self, called: str) -> frozenset[str]:
        """The adcodes of the cities with that name, name without its kind, pinyin or adcode.

        Case, width, tones, blanks and traditional characters make no difference.
        """
        return frozenset(adcode for adcode in self._called(called) if adcode == city_of(adcode))

    def districts(self, called: str) -> frozenset[str]:
        """The same for districts; some names stand for several."""
        return frozenset(adcode for adcode in self._called(called) if adcode != city_of(adcode))

    def _called(self, name: str) -> Sequence[str]:
        return self._by_form.get(joined(name), ())

    @cached_property
    def _by_form(self) -> Mapping[str, Sequence[str]]:
        """The adcodes of cities and districts by each of their forms, and by themselves."""
        known: dict[str, list[str]] = {}
        for row in self._rows.values():
            if row.adcode in self:
                for form in (row.adcode, *row.forms()):
                    known.setdefault(form, []).append(row.adcode)
        return known


def short_name(name: str) -> str:
    """The name of a place without its kind: 成都 for 成都市, 石柱 for 石柱土家族自治县.

    One character is no name: 理县 stays.
    """
    short = _ENDING.sub("", name)
    return short if len(short) > 1 else name


def city_of(adcode: str) -> str:
    """The adcode of the city that an adcode lies in."""
    return _CHONGQING if adcode.startswith("50") else adcode[:4] + _CITY_SUFFIX


def around(adcode: str) -> frozenset[str]:
    """The adcodes of a district, of its city and of its province."""
    return frozenset({adcode, city_of(adcode), adcode[:2] + _PROVINCE_SUFFIX})


def _row(line: dict[str, str]) -> Row:
    seat = Point(float(line["lng"]), float(line["lat"])) if line["lng"] else None
    return Row(line["adcode"], line["name"], line["pinyin"], seat)
