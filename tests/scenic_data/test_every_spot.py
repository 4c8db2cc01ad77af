"""Every spot of the catalogue is found first by its names, however people write where it is.

Holds for a catalogue of any size. Where a query ends with the whole name of several spots (a whole
and its part, two spots of one name), one of them is first.
"""

from collections.abc import Iterator, Sequence
from itertools import product

import pytest
from opencc import OpenCC

from scenic_data.checking import load_spots
from scenic_data.index import Index, core
from scenic_data.model import Spot
from scenic_data.places import short_name
from scenic_data.reference import Reference
from scenic_data.search import MOST_STEPS, Search
from scenic_data.snapshot import Snapshot
from scenic_data.wording import joined, syllables

pytestmark = pytest.mark.slow

REFERENCE = Reference.load()
ALL = Snapshot(load_spots(), REFERENCE)
SPOTS = ALL.listed
INDEX = Index(SPOTS, REFERENCE)

KINDS = ("景区", "旅游区", "风景区", "旅游景区", "风景名胜区")
AMBIGUOUS: dict[str, str] = {}
"""Queries that may find another spot first, with the reason. None is known."""


def names_of(spot: Spot) -> set[str]:
    """All whole names, and what is left of them without their kind."""
    names = {spot.name.zh, *spot.aliases}
    return names | {core(joined(name)) for name in names}


NAMES = [{joined(name) for name in names_of(spot)} for spot in SPOTS]


def first(query: str) -> int:
    """The place in the list of the spot that is found first."""
    search = Search(INDEX, query)
    ranks = search.ranks()
    assert search.steps < MOST_STEPS, f"{query} costs more work than there is"
    assert ranks, f"{query} finds nothing"
    return min(ranks, key=lambda n: (ranks[n], n))


def check(query: str, spot: Spot, name: str) -> None:
    """Assert that the spot is first, or one that is called as the query ends, as much as `name`."""
    place, asked = first(query), core(joined(name))
    endings = (joined(query), core(joined(query)))
    called_so = any(
        len(known) >= len(asked) and ending.endswith(known)
        for known in NAMES[place]
        for ending in endings
    )
    is_right = SPOTS[place] is spot or called_so or query in AMBIGUOUS
    assert is_right, f"{query} finds {SPOTS[place].name.zh} first"


def prefixes(spot: Spot) -> Iterator[Sequence[str]]:
    """Every choice of province, city and district, each with its kind, without, or left out."""
    place = REFERENCE.places.at(spot.adcode)
    levels = dict.fromkeys(filter(None, (place.province, place.city, place.district)))
    for chosen in product(*(("", short_name(name), name) for name in levels)):
        yield [part for part in chosen if part]


@pytest.mark.parametrize("blank", ["", " "], ids=["together", "apart"])
@pytest.mark.parametrize("province", ["510000", "500000"], ids=["sichuan", "chongqing"])
def test_every_spot_is_first_behind_any_of_province_city_and_district(
    blank: str, province: str
) -> None:
    for spot in SPOTS:
        if spot.adcode[:2] == province[:2]:
            names = {spot.name.zh} if blank else names_of(spot)
            for prefix, name in product(prefixes(spot), names):
                check(blank.join([*prefix, name]), spot, name)


@pytest.mark.parametrize("kind", KINDS)
def test_every_spot_is_first_with_its_kind_behind_its_name(kind: str) -> None:
    for spot in SPOTS:
        shortest, *_, longest = prefixes(spot)
        for prefix, name in product((shortest, longest), names_of(spot)):
            check("".join([*prefix, name, kind]), spot, name)


def test_every_spot_is_first_in_traditional_characters() -> None:
    traditional = OpenCC("s2t").convert
    for spot in SPOTS:
        *_, longest = prefixes(spot)
        for name in (spot.name.zh, *spot.aliases):
            check(traditional(name), spot, name)
            check(traditional("".join([*longest, name])), spot, name)


def test_every_spot_is_first_by_its_pinyin_behind_that_of_its_place() -> None:
    """Other spots may sound the same, or the entry that it is a part of; then one of them is."""
    sounds = [{"".join(syllables(name)) for name in names} for names in NAMES]
    for spot in SPOTS:
        row = REFERENCE.places.row(spot.adcode)
        sound = "".join(syllables(core(joined(spot.name.zh))))
        for query in (sound, f"{row.pinyin} {sound}", row.pinyin + sound):
            ending = query.replace(" ", "")
            found = first(query)
            sounds_so = any(ending.endswith(known) for known in sounds[found])
            is_its_whole = SPOTS[found].id == spot.part_of
            assert sounds_so or is_its_whole, query


def test_every_district_is_found_by_its_pinyin() -> None:
    """What lies there is found; spots elsewhere that are called so may come with it."""
    for row in REFERENCE.places.rows():
        there = {n for n, spot in enumerate(SPOTS) if spot.adcode == row.adcode}
        assert there <= Search(INDEX, row.pinyin).ranks().keys(), row
