"""Terms: short keys of many owners, sorted by each place where a match may begin (a suffix array).

Knows nothing of spots: an owner is a number, and a rank is lower for what fits better. A look-up
costs at most three binary searches and a step for each match, however large the table is.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

_AFTER_ALL = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Ranks:
    """How well a match fits: the whole key, the beginning of a key, or a part further inside."""

    whole: int
    begun: int
    inside: int


@dataclass(frozen=True, slots=True)
class Term:
    """A key in pieces, such as syllables: a match begins with a piece, and may end anywhere."""

    owner: int
    pieces: Sequence[str]
    ranks: Ranks


class Terms:
    """The table."""

    def __init__(self, terms: Iterable[Term]) -> None:
        """Sorts once; nothing is added later."""
        entries = [entry for term in terms for entry in _suffixes(term)]
        entries.sort(key=itemgetter(0))
        self._suffixes = [entry[0] for entry in entries]
        self._owners = [entry[1] for entry in entries]
        self._whole = [entry[2] for entry in entries]
        self._longer = [entry[3] for entry in entries]

    def collect(self, wanted: str, found: dict[int, int]) -> int:
        """Add to `found` the best rank of each owner that fits. Returns the number of matches."""
        first = bisect_left(self._suffixes, wanted)
        if first == len(self._suffixes) or not self._suffixes[first].startswith(wanted):
            return 0
        longer = bisect_right(self._suffixes, wanted, first)
        end = bisect_left(self._suffixes, wanted + _AFTER_ALL, longer)
        _keep_best(found, self._owners[first:longer], self._whole[first:longer])
        _keep_best(found, self._owners[longer:end], self._longer[longer:end])
        return end - first

    def next_letters(self, beginning: str) -> str:
        """The letters that follow this beginning of a suffix, each once, in order."""
        letters = ""
        at = bisect_right(self._suffixes, beginning)
        while at < len(self._suffixes) and self._suffixes[at].startswith(beginning):
            letters += self._suffixes[at][len(beginning)]
            at = bisect_left(self._suffixes, beginning + letters[-1] + _AFTER_ALL, at)
        return letters


def keep_best(found: dict[int, int], owner: int, rank: int) -> None:
    """Note a rank of an owner unless a better one is known."""
    if rank < found.get(owner, rank + 1):
        found[owner] = rank


def _keep_best(found: dict[int, int], owners: Sequence[int], ranks: Sequence[int]) -> None:
    for owner, rank in zip(owners, ranks, strict=True):
        if rank < found.get(owner, rank + 1):
            found[owner] = rank


def _suffixes(term: Term) -> Iterator[tuple[str, int, int, int]]:
    """Each suffix and its owner, its rank when it is matched wholly, and when it is longer."""
    key, owner, ranks = "".join(term.pieces), term.owner, term.ranks
    yield key, owner, ranks.whole, ranks.begun
    at = 0
    for piece in term.pieces[:-1]:
        at += len(piece)
        yield key[at:], owner, ranks.inside, ranks.inside
