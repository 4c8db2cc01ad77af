"""Search: spots by what people type.

Chinese is written from large to small without blanks (四川雅安碧峰峡): the places in front narrow
the choice, and what is left at the end is what is looked for. If nothing fits, what sounds like it,
then what fits the most of the words, then Latin letters with one typing error.

The work of a query is bounded, whatever is typed: all that grows with it are look-ups in tables,
and their steps are counted. When they are used up, nothing more is found.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from scenic_data.index import ABOUT, MISTYPED, THERE, WHOLE_NAME, Index, core
from scenic_data.terms import Terms, keep_best
from scenic_data.wording import syllables, words

MOST_STEPS = 6_000
"""Matches to look at for one query: twice what the most laborious honest one takes."""
_LOOK_UP = 30
"""What a look-up costs before its first match, in steps."""

_ELSEWHERE = THERE + 1  # the whole name of a spot, but not in the place that was named
_CONTAINED = 30  # a whole name is a part of what was typed

_SHORTEST_MISTYPED = 4
_SHORTEST_MISREAD = 5
_LONGEST_SPOKEN = 40
_MOST_WORDS = 8
_MOST_READINGS = 12
_SAYS_LITTLE = frozenset(
    {"the", "of", "a", "mt", "mount", "mountain", "national", "park", "scenic", "area", "spot"}
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a text from large to small: the places named first, and what is left.

    `within` are the spots that lie in all of those places; None if no place is named.
    """

    within: frozenset[int] | None
    rest: str


class Search:
    """One query on its way through the index. `steps` tells how much was looked at so far."""

    def __init__(self, index: Index, query: str) -> None:
        """Nothing is looked up yet."""
        typed = words(query)
        self._index = index
        self._whole = "".join(typed)
        self._words = typed[-_MOST_WORDS:]
        self._known: dict[str, dict[int, int]] = {}
        self.steps = 0

    def ranks(self) -> dict[int, int]:
        """The spots that fit, by their places in the list, with a rank: lower is better."""
        if not self._whole:
            return {}
        found, elsewhere = self._read(self._whole)
        names_a_spot = min(found.values(), default=MISTYPED) <= WHOLE_NAME
        if len(self._words) > 1 and not names_a_spot:
            for n, rank in self._all_words().items():
                keep_best(found, n, rank)
        self._lift_namesakes(found)
        return (
            found
            or self._sounding_like(self._whole)
            or self._most_words()
            or elsewhere
            or self._mistyped(self._whole)
        )

    def _lift_namesakes(self, found: dict[int, int]) -> None:
        """An entry that is called like its part comes with it, and so before it: 乐山大佛.

        What names a kind behind the name (碧峰峡风景区) means the one that is called so.
        """
        if core(self._whole) != self._whole:
            return
        for part, rank in list(found.items()):
            whole = self._index.namesake_of.get(part)
            if whole is not None and whole in found:
                keep_best(found, whole, rank)

    def _look_up(self, word: str) -> dict[int, int]:
        """The spots of which the word is a name, a part of a name, a place or a kind.

        The same object each time: not to be changed.
        """
        if word not in self._known:
            enough = self.steps >= MOST_STEPS
            self._known[word] = {} if enough else self._looked_up(word)
        return self._known[word]

    def _looked_up(self, word: str) -> dict[int, int]:
        found: dict[int, int] = {}
        groups: dict[int, int] = {}
        self.steps += _LOOK_UP
        self.steps += self._index.names.collect(word, found)
        self.steps += self._index.group_names.collect(word, groups)
        if word.isascii() and len(word) >= _SHORTEST_MISREAD:
            self.steps += self._index.misread.collect(word, found)
        for number, rank in groups.items():
            spots = self._index.groups[number].spots
            self.steps += len(spots)
            for n in spots:
                keep_best(found, n, self._there(n, rank, found))
        return found

    def _there(self, n: int, rank: int, found: dict[int, int]) -> int:
        """The rank of a spot in a group: a 5A spot that the place is named for comes first."""
        named_for_it = n in self._index.best and found.get(n, ABOUT) < ABOUT
        return rank - 1 if rank == THERE and named_for_it else rank

    def _named(self, text: str) -> dict[int, int]:
        """What is called so, with what kind of thing it is or without."""
        found = dict(self._look_up(text))
        short = core(text)
        if short != text:
            for n, rank in self._look_up(short).items():
                keep_best(found, n, rank)
        return found

    def _read(self, text: str) -> tuple[dict[int, int], dict[int, int]]:
        """What a text means that may name places first, from large to small, without blanks.

        Returns the spots that lie where the text says, or whose whole name it gives; and those that
        fit a part of what is left, but lie elsewhere.
        """
        here: dict[int, int] = {}
        elsewhere: dict[int, int] = {}
        for reading in self._readings(text):
            for n, rank in self._named(reading.rest).items():
                if reading.within is None or n in reading.within:
                    keep_best(here, n, rank)
                elif rank <= WHOLE_NAME:
                    keep_best(here, n, _ELSEWHERE)
                else:
                    keep_best(elsewhere, n, rank)
        return here, elsewhere

    def _readings(self, text: str) -> list[Reading]:
        """The ways to read a text, the fewest places first. Two characters are left at least."""
        readings = [Reading(None, text)]
        for reading in readings:  # grows meanwhile: each reading may name one more place
            longest = min(self._index.longest_place, len(reading.rest) - 2)
            for size in range(2, longest + 1):
                spots = self._index.places.get(reading.rest[:size])
                if spots is not None and len(readings) < _MOST_READINGS:
                    self.steps += _LOOK_UP
                    within = spots if reading.within is None else reading.within & spots
                    readings.append(Reading(within, reading.rest[size:]))
        return readings

    def _all_words(self) -> dict[int, int]:
        """The spots that every word fits, ranked by the worst. A lone letter is no word."""
        real = [word for word in self._words if len(word) > 1 or not word.isascii()]
        if not real:
            return {}
        found = [self._look_up(word) for word in real]
        common = set(found[0]).intersection(*found[1:])
        return {n: max(ranks[n] for ranks in found) for n in common}

    def _sounding_like(self, text: str) -> dict[int, int]:
        """What Chinese characters fit by their sound: 峨嵋山 is found as 峨眉山 is."""
        spoken = "".join(syllables(text[:_LONGEST_SPOKEN]))
        return {} if spoken == text else self._read(spoken)[0]

    def _most_words(self) -> dict[int, int]:
        """What fits the most of the words, when nothing fits them all."""
        fits = [self._nearly(word) for word in self._words if word not in _SAYS_LITTLE]
        counts = Counter(n for found in fits for n in found)
        most = max(counts.values(), default=0)
        best: dict[int, int] = {}
        for found in fits:
            for n, rank in found.items():
                if counts[n] == most:
                    keep_best(best, n, rank)
        return best

    def _nearly(self, word: str) -> dict[int, int]:
        """What a word fits; if it is Chinese and fits nothing, what a part of it fits."""
        if word.isascii():
            return self._look_up(word) if len(word) > 1 else {}
        here, elsewhere = self._read(word)
        return here or elsewhere or self._in_part(word)

    def _in_part(self, text: str) -> dict[int, int]:
        """What a part of a Chinese text fits, preferably in the place that it names."""
        deepest = self._readings(text)[-1]
        within = deepest.within or frozenset()
        rest = core(deepest.rest)
        found = (
            self._containing_name(rest)
            or self._containing_name(text)
            or self._in_two(rest)
            or self._longest_part(rest, within)
        )
        here = {n: rank for n, rank in found.items() if n in within}
        return here or found or dict.fromkeys(within, ABOUT)

    def _containing_name(self, text: str) -> dict[int, int]:
        """The spots whose name is the longest to stand in the text; of two as long, the last."""
        longest = ""
        for at in range(len(text) - 1):
            for name in self._index.names_beginning.get(text[at : at + 2], ()):
                self.steps += 1
                if len(name) >= len(longest) and text.startswith(name, at):
                    longest = name
        return dict.fromkeys(self._index.owners.get(longest, ()), _CONTAINED)

    def _in_two(self, text: str) -> dict[int, int]:
        """The spots that both parts of a text fit, cut where any does: Chinese has no blanks."""
        longest = self._index.longest_name
        for size in range(max(2, len(text) - longest), min(longest, len(text) - 2) + 1):
            first = self._look_up(text[:size])
            if not first:
                break  # nor does anything longer fit
            second = self._look_up(text[size:])
            both = first.keys() & second.keys()
            if both:
                return {n: max(first[n], second[n]) for n in both}
        return {}

    def _longest_part(self, text: str, within: Collection[int]) -> dict[int, int]:
        """What the longest end or beginning of a text fits; of those that fit anything within."""
        sizes = range(min(len(text) - 1, self._index.longest_name), 1, -1)
        parts = [part for size in sizes for part in (text[-size:], text[:size])]
        fits = [found for found in map(self._look_up, parts) if found]
        here = [found for found in fits if not found.keys().isdisjoint(within)]
        return next(iter(here or fits), {})

    def _mistyped(self, word: str) -> dict[int, int]:
        """What begins with the word but for one letter."""
        found: dict[int, int] = {}
        if len(word) >= _SHORTEST_MISTYPED and word.isascii():
            for meant in one_error_away(word, self._index.beginnings):
                self.steps += self._index.beginnings.collect(meant, found)
        return found


def rank(index: Index, query: str) -> dict[int, int]:
    """The spots that fit a query, by their places in the list, with a rank: lower is better."""
    return Search(index, query).ranks()


def one_error_away(typed: str, known: Terms) -> Iterator[str]:
    """What may have been meant: one letter wrong, missing, too many, or in its neighbour's place.

    Only what stands a chance: the letters before the error begin a key of `known`, as does the
    letter that is put in.
    """
    for at in range(len(typed)):
        before, letter, after = typed[:at], typed[at], typed[at + 1 :]
        following = known.next_letters(before)
        if not following:
            return
        yield before + after
        yield before + after[:1] + letter + after[1:]
        for meant in following:
            yield before + meant + after
            yield before + meant + letter + after
