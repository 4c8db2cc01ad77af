"""Search: spots by what people type. Chinese, pinyin with or without tones and blanks, initials, English, and parts of
them; if nothing fits, what sounds like it, and then Latin letters with one typing error.

Knows nothing but words: it ranks the places of spots in a list. All spots are searched as a few long strings, which is
faster than any loop over them.
"""

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from scenic_data.model import Level, Spot
from scenic_data.places import short_name
from scenic_data.reference import Reference

_SHORTEST_MISTYPED = 4
_TIER = 10  # exact, prefix and inside are this far apart, but a 5A spot comes first of both; the kinds differ by less
_ABOUT = 40  # the name of a category, or a part of that of a place, is no name of a spot
_THERE = 5  # in the very place that was named: after whole names, before parts of names
_MISTYPED = 100
_MOST_WORDS = 8
_ENDING = re.compile(
    r"(风景名胜区|旅游度假区|旅游景区|风景区|旅游区|民俗风貌区|景区|遗址|门票|旅游)+$"
)
_SAYS_LITTLE = frozenset(
    {"the", "of", "a", "mt", "mount", "mountain", "national", "park", "scenic", "area", "spot"}
)


def normal(text: str) -> str:
    """Lower case without tones, marks and punctuation; ü is v; words stand one blank apart."""
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold()).replace(
        "u\u0308", "v"
    )
    kept = (sign for sign in plain if unicodedata.category(sign) != "Mn" and sign not in "'’")
    return " ".join("".join(sign if sign.isalnum() else " " for sign in kept).split())


@lru_cache(maxsize=8192)
def syllables(chinese: str) -> Sequence[str]:
    """The pinyin of Chinese signs, without tones; other signs stay as they are. Remembers the names of a catalogue."""
    from pypinyin import lazy_pinyin  # noqa: PLC0415 - takes long to import, and commands never search

    return tuple(lazy_pinyin(chinese))


class Haystack:
    """Many short keys, each with an owner and with places at which a match may begin."""

    def __init__(self, keys: Iterable[tuple[int, Sequence[str]]]) -> None:
        """`keys` are pairs of an owner and the pieces of a key: a match may begin at each piece."""
        pieces, length = ["\n"], 1
        self._begins: set[int] = set()
        self._firsts: list[int] = []
        self._owners: list[int] = []
        for owner, key in keys:
            self._firsts.append(length)
            self._owners.append(owner)
            for piece in key:
                self._begins.add(length)
                pieces.append(piece)
                length += len(piece)
            pieces.append("\n")
            length += 1
        self._text = "".join(pieces)

    def find(self, wanted: str) -> Iterator[tuple[int, int]]:
        """Each owner with a match: 0 for a whole key, 1 for the beginning of one, 2 inside."""
        at = self._text.find(wanted)
        while at >= 0:
            if at in self._begins:
                inside = self._text[at - 1] != "\n"
                open_ended = self._text[at + len(wanted)] != "\n"
                yield (
                    self._owners[bisect_right(self._firsts, at) - 1],
                    2 if inside else int(open_ended),
                )
            at = self._text.find(wanted, at + 1)


class SearchIndex:
    """The searchable words of a list of spots."""

    def __init__(self, spots: Sequence[Spot], reference: Reference) -> None:
        """Spots are known by their place in the list."""
        names = [
            (n, normal(name).replace(" ", ""))
            for n, spot in enumerate(spots)
            for name in (spot.name.zh, *spot.aliases)
        ]
        english = [
            (n, normal(spot.name.en).split()) for n, spot in enumerate(spots) if spot.name.en
        ]
        slugs = [(n, spot.id.split("-")) for n, spot in enumerate(spots)]
        spoken = [(n, syllables(name)) for n, name in names] + slugs
        self._kinds = (
            (0, Haystack((n, tuple(name)) for n, name in names)),
            (1, Haystack(spoken)),
            (2, Haystack(english)),
            (3, Haystack((n, [syllable[0] for syllable in key]) for n, key in spoken)),
            (_ABOUT, Haystack(_about(spots, reference))),
        )
        self._places = Haystack(_placed(spots, reference))
        self._best = {n for n, spot in enumerate(spots) if spot.level is Level.A5}
        self._latin = [(n, "".join(key)) for n, key in spoken]
        self._latin += [
            (n, "".join(key[first:])) for n, key in english for first in range(len(key))
        ]

    def rank(self, query: str) -> dict[int, int]:
        """The spots that fit, by their place in the list, with a rank that is lower for what fits better."""
        words = normal(query).split()[:_MOST_WORDS]
        if not words:
            return {}
        whole = "".join(words)
        found = self._fitting(whole)
        if len(words) > 1:
            for n, rank in _all_of([self._fitting(word) for word in words]).items():
                found[n] = min(found.get(n, rank), rank)
        return found or self._sounding_like(whole) or self._in_part(words) or self._mistyped(whole)

    def _fitting(self, word: str) -> dict[int, int]:
        found: dict[int, int] = {}
        for kind, haystack in self._kinds:
            for n, tier in haystack.find(word):
                rank = kind + tier * _TIER
                if n in self._best and _TIER <= rank < _ABOUT:
                    rank = _TIER - 1
                if rank < found.get(n, rank + 1):
                    found[n] = rank
        for n, tier in self._places.find(word):
            known = found.get(n, _ABOUT)
            if tier == 0:
                found[n] = min(known, _THERE - (n in self._best and known < _ABOUT))
            else:
                found[n] = min(known, _ABOUT + tier * _TIER)
        return found

    def _sounding_like(self, word: str) -> dict[int, int]:
        """What Chinese signs fit by their sound: 峨嵋山 is found as 峨眉山 is."""
        spoken = "".join(syllables(word))
        return {} if spoken == word else self._fitting(spoken)

    def _in_part(self, words: Sequence[str]) -> dict[int, int]:
        """What fits the most of the words, when nothing fits them all. Chinese is also cut in two: it has no blanks."""
        fits = [self._fitting(part) for word in words for part in self._parts(word)]
        counts = Counter(n for found in fits for n in found)
        most = max(counts.values(), default=0)
        return {
            n: min(found[n] for found in fits if n in found)
            for n, count in counts.items()
            if count == most
        }

    def _parts(self, word: str) -> Sequence[str]:
        if word.isascii():
            return () if word in _SAYS_LITTLE else (word,)
        word = _ENDING.sub("", word) or word
        if self._fitting(word):
            return (word,)
        cuts = [(word[:n], word[n:]) for n in range(2, len(word) - 1)]
        both = [cut for cut in cuts if self._fitting(cut[0]).keys() & self._fitting(cut[1]).keys()]
        return (
            both[0] if both else [part for cut in cuts for part in cut if self._fitting(part)][:1]
        )

    def _mistyped(self, word: str) -> dict[int, int]:
        if len(word) < _SHORTEST_MISTYPED or not word.isascii():
            return {}
        return {n: _MISTYPED for n, key in self._latin if one_error_away(word, key)}


def one_error_away(typed: str, key: str) -> bool:
    """Whether `typed` begins `key` but for one sign that is wrong, missing, too many, or in the other's place."""
    same = next(
        (n for n, (a, b) in enumerate(zip(typed, key, strict=False)) if a != b),
        min(len(typed), len(key)),
    )
    rest = typed[same + 1 :]
    return (
        key.startswith(rest, same + 1)
        or key.startswith(rest, same)
        or key.startswith(typed[same:], same + 1)
        or (bool(rest) and key.startswith(rest[0] + typed[same] + rest[1:], same))
    )


def _all_of(found: Sequence[dict[int, int]]) -> dict[int, int]:
    """The spots that every word fits, ranked by the word that fits worst."""
    common = set(found[0]).intersection(*found[1:])
    return {n: max(ranks[n] for ranks in found) for n in common}


def _placed(spots: Sequence[Spot], reference: Reference) -> Iterator[tuple[int, Sequence[str]]]:
    """Where each spot is: province, city and district, whole and short, in signs and in pinyin."""
    for n, spot in enumerate(spots):
        place = reference.places.at(spot.adcode)
        names = {place.province, place.city, place.district or place.city}
        for name in names | set(map(short_name, names)):
            yield n, tuple(name)
            yield n, syllables(name)


def _about(spots: Sequence[Spot], reference: Reference) -> Iterator[tuple[int, Sequence[str]]]:
    """What each spot is: its category in signs, pinyin and English, and its level."""
    for n, spot in enumerate(spots):
        category = reference.categories[spot.category]
        yield n, tuple(category.zh)
        yield n, syllables(category.zh)
        yield n, normal(category.en or "").split()
        yield n, (spot.level.value.lower(),)
