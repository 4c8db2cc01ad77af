"""Index: every way in which the spots of a list are written, ready to be looked up.

Chinese, pinyin, initials, English, places, categories and levels. Knows nothing of queries: what to
look up is decided in `search`. A spot is known by its place in the list.

Ranks: lower is better. A whole name, however it is written, comes before all else.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from scenic_data.model import Level, Spot
from scenic_data.places import around, short_name
from scenic_data.reference import Reference
from scenic_data.terms import Ranks, Term, Terms
from scenic_data.wording import joined, other_readings, syllables, words

NAME, ALSO_CALLED, SPOKEN, ENGLISH, INITIALS, MISREAD = range(6)
"""The kinds of names. That of a match with a whole name is its rank."""
WHOLE_NAME = MISREAD
"""No match with a whole name ranks worse."""
THERE = 7
"""In the place that is named."""
BEST = 9
"""The beginning or a part of the name of a 5A spot."""
_BEGUN, _INSIDE = 10, 20  # the beginning, or a part of another name; the kind of name on top
_RANKS = [Ranks(kind, _BEGUN + kind, _INSIDE + kind) for kind in range(MISREAD + 1)]
_RANKS_OF_BEST = [Ranks(kind, BEST, BEST) for kind in range(MISREAD + 1)]
ABOUT = 40
"""What is no name of a spot: that of a category, or a part of that of a place."""
MISTYPED = 100

_ENDINGS = (
    "国家5a级旅游景区 国家4a级旅游景区 国家3a级旅游景区 国家级旅游度假区 国家级风景名胜区",
    "5a级旅游景区 4a级旅游景区 3a级旅游景区 生态旅游景区 文化旅游景区 5a级景区 4a级景区 3a级景区",
    "生态旅游区 文化旅游区 风景名胜区 旅游度假区 民俗风貌区 5a景区 4a景区 3a景区",
    "旅游景区 风景区 旅游区 景区 遗址 门票 旅游",
    "fengjingmingshengqu lvyoudujiaqu luyoudujiaqu lvyoujingqu luyoujingqu fengjingqu",
    "lvyouqu luyouqu jingqu menpiao touristarea scenicarea scenicspot",
)
_LONGEST_FIRST = tuple(ending for line in _ENDINGS for ending in line.split())
"""What people write behind a name; of two that end alike the longer one first."""


@dataclass(frozen=True, slots=True)
class Key:
    """One way to write one name of a spot. A match may begin with each piece."""

    owner: int
    kind: int
    pieces: Sequence[str]

    @property
    def text(self) -> str:
        """The whole."""
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Group:
    """Spots that have something in common, and the ways in which that is written."""

    spots: frozenset[int]
    called: Sequence[Sequence[str]]
    ranks: Ranks


class Index:
    """The searchable words of a list of spots."""

    def __init__(self, spots: Sequence[Spot], reference: Reference) -> None:
        """Everything that does not depend on a query is worked out here, once."""
        written = list(_written(spots))
        chinese = [*written, *_cores(written)]
        latin = [*_spoken(chinese), *_slugs(spots), *_english(spots)]
        places = list(_places(spots, reference))

        self.namesake_of = dict(_namesakes(spots))
        """The part of an entry, and the entry that is called like it, by their places in the
        list."""
        self.best = frozenset(n for n, spot in enumerate(spots) if spot.level is Level.A5)
        """The 5A spots: what everybody asks for."""
        self.names = Terms(self._terms([*chinese, *latin, *_initials(chinese)]))
        self.misread = Terms(self._terms(_misread(written)))
        """The pinyin of names with a character read otherwise than it usually is."""
        self.beginnings = Terms(_mistyped(latin))
        """What may be typed in Latin letters with an error."""
        self.owners = _owners(chinese)
        """The spots with a Chinese name, by that name."""
        self.longest_name = max(map(len, self.owners), default=0)
        self.names_beginning = _by_beginning(self.owners)
        """The Chinese names by their first two characters."""
        self.groups = [*places, *_kinds(spots, reference)]
        self.group_names = Terms(_group_terms(self.groups))
        """The owners of these are the numbers of `groups`."""
        self.places = _by_form(places)
        """The spots in all places that are called so: 市中区 is two districts."""
        self.longest_place = max(map(len, self.places), default=0)

    def _terms(self, keys: Iterable[Key]) -> Iterator[Term]:
        for key in keys:
            ranks = _RANKS_OF_BEST if key.owner in self.best else _RANKS
            yield Term(key.owner, key.pieces, ranks[key.kind])


def _namesakes(spots: Sequence[Spot]) -> Iterator[tuple[int, int]]:
    number_of = {spot.id: n for n, spot in enumerate(spots)}
    for n, spot in enumerate(spots):
        whole = number_of.get(spot.part_of or "")
        if whole is not None and core(joined(spots[whole].name.zh)) == core(joined(spot.name.zh)):
            yield n, whole


def core(name: str) -> str:
    """A name without its kind: 碧峰峡 for 碧峰峡风景名胜区. Two characters are left at least."""
    if name.endswith(_LONGEST_FIRST):
        for ending in _LONGEST_FIRST:
            if name.endswith(ending) and len(name) >= len(ending) + 2:
                return core(name[: -len(ending)])
    return name


def _written(spots: Sequence[Spot]) -> Iterator[Key]:
    """The Chinese names."""
    for n, spot in enumerate(spots):
        yield Key(n, NAME, joined(spot.name.zh))
        for alias in spot.aliases:
            yield Key(n, ALSO_CALLED, joined(alias))


def _cores(names: Iterable[Key]) -> Iterator[Key]:
    """The names without their endings, where they have one."""
    for name in names:
        short = core(name.text)
        if short != name.text:
            yield Key(name.owner, ALSO_CALLED, short)


def _spoken(names: Iterable[Key]) -> Iterator[Key]:
    for name in names:
        yield Key(name.owner, SPOKEN, syllables(name.text))


def _initials(names: Iterable[Key]) -> Iterator[Key]:
    for spoken in _spoken(names):
        yield Key(spoken.owner, INITIALS, [syllable[0] for syllable in spoken.pieces])


def _misread(names: Iterable[Key]) -> Iterator[Key]:
    """Each name with one character read otherwise; a match that begins behind it is no other."""
    for name in names:
        for at, spoken in other_readings(name.text, syllables(name.text)):
            yield Key(name.owner, MISREAD, (*spoken[:at], "".join(spoken[at:])))


def _slugs(spots: Sequence[Spot]) -> Iterator[Key]:
    """Ids are pinyin with local readings, made by hand."""
    for n, spot in enumerate(spots):
        yield Key(n, SPOKEN, spot.id.split("-"))


def _english(spots: Sequence[Spot]) -> Iterator[Key]:
    for n, spot in enumerate(spots):
        if spot.name.en:
            yield Key(n, ENGLISH, words(spot.name.en))


def _mistyped(latin: Iterable[Key]) -> Iterator[Term]:
    """Pinyin from its beginning, English from each of its words on."""
    for key in latin:
        pieces = key.pieces if key.kind == ENGLISH else (key.text,)
        yield Term(key.owner, pieces, Ranks(MISTYPED, MISTYPED, MISTYPED))


def _owners(names: Iterable[Key]) -> dict[str, set[int]]:
    owners: dict[str, set[int]] = {}
    for name in names:
        owners.setdefault(name.text, set()).add(name.owner)
    return owners


def _by_beginning(names: Iterable[str]) -> dict[str, list[str]]:
    """A name of one character is left out: it stands in too many texts."""
    beginning: dict[str, list[str]] = {}
    for name in names:
        if len(name) > 1:
            beginning.setdefault(name[:2], []).append(name)
    return beginning


def _places(spots: Sequence[Spot], reference: Reference) -> Iterator[Group]:
    """Provinces, cities and districts with the spots that lie there."""
    there: dict[str, list[int]] = {}
    for n, spot in enumerate(spots):
        for adcode in around(spot.adcode):
            there.setdefault(adcode, []).append(n)
    ranks = Ranks(THERE, ABOUT + _BEGUN, ABOUT + _INSIDE)
    for adcode, lying_there in there.items():
        row = reference.places.row(adcode)
        forms = {*row.forms(), *_readings(short_name(row.name))}
        called = [(form,) if form.isascii() else tuple(form) for form in forms]
        yield Group(frozenset(lying_there), called, ranks)


def _readings(name: str) -> Iterator[str]:
    """All pinyin of a name, that of dictionaries among them."""
    usual = syllables(name)
    yield "".join(usual)
    for _, reading in other_readings(name, usual):
        yield "".join(reading)


def _kinds(spots: Sequence[Spot], reference: Reference) -> Iterator[Group]:
    """Categories in Chinese, pinyin and English, and levels."""
    ranks = Ranks(ABOUT, ABOUT + _BEGUN, ABOUT + _INSIDE)
    for key, category in reference.categories.items():
        of_it = frozenset(n for n, spot in enumerate(spots) if spot.category == key)
        zh = joined(category.zh)
        yield Group(of_it, [tuple(zh), syllables(zh), words(category.en or "")], ranks)
    for level in Level:
        of_it = frozenset(n for n, spot in enumerate(spots) if spot.level is level)
        yield Group(of_it, [(joined(level.value),)], ranks)


def _group_terms(groups: Iterable[Group]) -> Iterator[Term]:
    for number, group in enumerate(groups):
        for pieces in group.called:
            yield Term(number, pieces, group.ranks)


def _by_form(places: Iterable[Group]) -> dict[str, frozenset[int]]:
    spots: dict[str, frozenset[int]] = {}
    for place in places:
        for pieces in place.called:
            form = "".join(pieces)
            spots[form] = spots.get(form, frozenset()) | place.spots
    return spots
