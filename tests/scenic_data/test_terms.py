"""Terms: what a sorted table finds is what a look at every key would find."""

from hypothesis import given
from hypothesis import strategies as st

from scenic_data.search import one_error_away
from scenic_data.terms import Ranks, Term, Terms

PIECES = st.lists(st.text("ab山", min_size=1, max_size=3), min_size=1, max_size=4)
KEYS = st.lists(st.tuples(st.integers(0, 3), PIECES), max_size=6)
WORD = st.text("ab山", min_size=1, max_size=5)
RANKS = Ranks(0, 1, 2)


@given(KEYS, WORD)
def test_a_look_up_finds_what_a_look_at_every_key_finds(
    keys: list[tuple[int, list[str]]], word: str
) -> None:
    found: dict[int, int] = {}
    terms = Terms(Term(owner, pieces, RANKS) for owner, pieces in keys)
    matches = terms.collect(word, found)
    expected = list(_slowly(keys, word))
    assert matches == len(expected)
    best: dict[int, int] = {}
    for owner, rank in expected:
        best[owner] = min(rank, best.get(owner, rank))
    assert found == best


def _slowly(keys: list[tuple[int, list[str]]], word: str) -> list[tuple[int, int]]:
    """The owner and the rank of each match."""
    matches = []
    for owner, pieces in keys:
        for first in range(len(pieces)):
            suffix = "".join(pieces[first:])
            if suffix.startswith(word):
                whole = 0 if suffix == word else 1
                matches.append((owner, 2 if first else whole))
    return matches


@given(KEYS, st.text("ab山", max_size=4))
def test_the_letters_that_follow_a_beginning(keys: list[tuple[int, list[str]]], word: str) -> None:
    terms = Terms(Term(owner, pieces, RANKS) for owner, pieces in keys)
    suffixes = ["".join(pieces[first:]) for _, pieces in keys for first in range(len(pieces))]
    following = {s[len(word)] for s in suffixes if s.startswith(word) and len(s) > len(word)}
    assert terms.next_letters(word) == "".join(sorted(following))


@given(st.text("abc", min_size=1, max_size=6), st.integers(0, 6), st.sampled_from("abc"))
def test_one_error_is_forgiven(key: str, place: int, letter: str) -> None:
    place = min(place, len(key) - 1)
    wrong = key[:place] + letter + key[place + 1 :]
    too_many = key[:place] + letter + key[place:]
    missing = key[:place] + key[place + 1 :]
    swapped = key[:place] + key[place : place + 2][::-1] + key[place + 2 :]
    for typed in (wrong, too_many, missing, swapped):
        if not key.startswith(typed):
            assert _forgiven(typed, key)
    assert not _forgiven("xx" + key, key)


def _forgiven(typed: str, key: str) -> bool:
    known = Terms([Term(0, (key,), RANKS)])
    found: dict[int, int] = {}
    for meant in one_error_away(typed, known):
        known.collect(meant, found)
    return bool(found)
