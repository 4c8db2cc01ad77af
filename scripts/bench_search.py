"""The work of searches: what usual queries cost, and the worst that a hunt for bad ones finds.

    python -m scripts.bench_search [--seconds 20] [--seed 1]

Bad queries are made of pieces that fit much (letters, syllables, places, ends of names, characters
that spell out as many) and changed further where they cost most. Milliseconds belong to a machine;
the steps are what the tests bound.
"""

import argparse
import itertools
import random
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from rich.console import Console
from rich.table import Table

from scenic_data.catalogue import Catalogue
from scenic_data.checking import load_spots
from scenic_data.index import Index
from scenic_data.reference import Reference
from scenic_data.search import Search
from scenic_data.snapshot import Snapshot
from scenic_data.wording import syllables

LONGEST = 80
"""Characters that `q` may have."""
USUAL = (
    "峨眉山",
    "emei",
    "四川雅安碧峰峡",
    "Mount Emei",
    "峨嵋山",
    "emeisahn",
    "成都温泉",
    "我想去九寨沟",
)
KEPT = 30
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SYLLABLES = ("shan", "shi", "xi", "zhou", "jiang", "si", "hu", "da", "guzhen", "jingqu", "sichuan")
_KINDS = ("旅游景区", "风景区", "古镇", "森林公园", "博物馆")
_WIDE = ("\ufdfa", "㍿", "é", "樂", "\U00020000", "5", " ")


def pieces(index: Index) -> list[Sequence[str]]:
    """What bad queries are made of."""
    names = sorted(index.owners)
    ends = [name[at:] for name in names for at in range(len(name) - 1)]
    pairs = [one + other for one in _LETTERS for other in _LETTERS]
    return [_LETTERS, pairs, _SYLLABLES, sorted(index.places), names, ends, _KINDS, _WIDE]


def made(chance: random.Random, kinds: Sequence[Sequence[str]]) -> str:
    """A new query of the full length, of pieces of some kinds."""
    chosen = chance.sample(kinds, chance.randint(1, 3))
    blank = chance.choice(("", "", " "))
    query = ""
    while len(query) < LONGEST:
        query += chance.choice(chance.choice(chosen)) + blank
    return query[:LONGEST]


def changed(chance: random.Random, kinds: Sequence[Sequence[str]], query: str) -> str:
    """A query with some of its characters overwritten."""
    for _ in range(chance.randint(1, 6)):
        at, piece = chance.randrange(len(query)), chance.choice(chance.choice(kinds))
        query = query[:at] + piece + query[at + len(piece) :]
    return query[:LONGEST]


def cost(index: Index, query: str) -> tuple[float, int]:
    """Milliseconds of processor time for a query never asked, and its steps.

    The least of five: other programs only add to it.
    """
    took = []
    for _ in range(5):
        syllables.cache_clear()
        start = time.process_time()
        search = Search(index, query)
        search.ranks()
        took.append((time.process_time() - start) * 1000)
    return min(took), search.steps


def worst(index: Index, seconds: float, chance: random.Random) -> Iterator[tuple[float, int, str]]:
    """The queries that cost most, of those that are made and changed for so many seconds."""
    kinds = pieces(index)
    known: list[tuple[float, int, str]] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        new = made(chance, kinds)
        if known and chance.random() < 0.5:
            new = changed(chance, kinds, chance.choice(known)[2])
        known.append((*cost(index, new), new))
        known = sorted(known, reverse=True)[:KEPT]
    yield from known


def named_by_place(catalogue: Catalogue) -> Iterator[str]:
    """Queries for each spot by its city and name, in turn: more than the replies that are kept."""
    places = catalogue.reference.places
    for spot in itertools.cycle(catalogue.snapshot.listed):
        yield urlencode({"q": places.at(spot.adcode).city + spot.name.zh})


def near_some_spot(catalogue: Catalogue) -> Iterator[str]:
    """Queries for what is near, from positions within some kilometres of spots, never the same."""
    chance = random.Random(1)  # noqa: S311
    while True:
        at = chance.choice(catalogue.snapshot.listed).position
        lng, lat = chance.gauss(at.lng, 0.05), chance.gauss(at.lat, 0.05)
        yield f"limit=20&near={lng:.6f},{lat:.6f}"


def main() -> None:
    """Print what usual queries and the ten worst cost."""
    parser = argparse.ArgumentParser(description="Measure the work of searches.")
    parser.add_argument("--seconds", type=float, default=20.0, help="to look for bad queries")
    parser.add_argument("--seed", type=int, default=1)
    flags = parser.parse_args()
    reference = Reference.load()
    index = Index(Snapshot(load_spots(), reference).listed, reference)
    table = Table("ms", "steps", "query")
    usual = [(*cost(index, query), query) for query in USUAL]
    bad = list(worst(index, flags.seconds, random.Random(flags.seed)))[:10]  # noqa: S311
    for took, steps, query in (*usual, *bad):
        table.add_row(f"{took:.2f}", str(steps), query)
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
