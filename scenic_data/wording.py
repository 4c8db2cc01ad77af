"""Wording: text as people type it, brought to the one form in which it is compared, and its pinyin.

Knows nothing of spots or places. Whatever compares words (queries, values of filters, names in the
index) uses `words` or `joined` on both sides, so that full width, case, tones, blanks and
traditional characters never decide.
"""

import gc
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

from passes.base import typed

_APOSTROPHES = "'’"
_MARK = "Mn"
"""The category of Unicode of marks upon a letter, after NFD."""
_OTHER_READINGS = 2
"""How many further readings of a character are kept; those behind are archaic."""
LONGEST = 100
"""Characters of a text that are looked at; no name is as long."""


def words(text: str) -> list[str]:
    """The words of a text in one form.

    NFKC, lower case, simplified characters, without tones, marks and punctuation; ü is v. Takes
    any text, and leaves out what stands behind its first `LONGEST` characters, counted after NFKC,
    which makes up to 18 of one.
    """
    plain = unicodedata.normalize("NFKC", text)[:LONGEST].casefold()
    if not plain.isascii():
        plain = unicodedata.normalize("NFD", _simplified(plain)).replace("u\u0308", "v")
        letters = typed.without_marks(plain)
        plain = "".join(letter for letter in letters if unicodedata.category(letter) != _MARK)
    return _words(plain)


def joined(text: str) -> str:
    """The words of a text without blanks: what names are compared by, because Chinese has none."""
    return "".join(words(text))


@lru_cache(maxsize=8192)
def syllables(chinese: str) -> tuple[str, ...]:
    """The usual pinyin of Chinese characters, without tones; a run of others stays as it is.

    Remembers more than the names of a catalogue: it takes 0.1 ms, and each name is read often.
    """
    return tuple(_pypinyin().lazy_pinyin(chinese))


def other_readings(chinese: str, usual: Sequence[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The pinyin with one character read otherwise, each with the place of that character.

    `usual` is what `syllables` gives. One character at a time: that grows with the length of a
    name, not with the product of its readings. Nothing if `usual` is not one syllable a character.
    """
    if len(usual) == len(chinese):
        for place, character in enumerate(chinese):
            for reading in _readings(character):
                if reading != usual[place]:
                    yield place, (*usual[:place], reading, *usual[place + 1 :])


@lru_cache(maxsize=8192)
def _readings(character: str) -> Sequence[str]:
    read, plain = _pypinyin().pinyin, _pypinyin().Style.NORMAL
    readings: Sequence[str] = read(character, style=plain, heteronym=True)[0]
    return readings[: 1 + _OTHER_READINGS]


@lru_cache(maxsize=1)
def _pypinyin() -> Any:
    """The package, imported when it is first needed: commands never search.

    Its dictionaries are a hundred thousand lists that stay. A full garbage collection would walk
    over them each time, while everything waits: 45 ms twice while they are read, and again whenever
    a catalogue is loaded. So none runs meanwhile, and `freeze` leaves them out of later ones.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        package = import_module("pypinyin")
        gc.freeze()
    finally:
        if running:
            gc.enable()
    return package


def _words(plain: str) -> list[str]:
    kept = (character for character in plain if character not in _APOSTROPHES)
    return "".join(character if character.isalnum() else " " for character in kept).split()


def _simplified(text: str) -> str:
    """Traditional characters in their simplified form, by phrases: 乾坤 stays, 乾淨 is 干净."""
    return text if all(map(_is_simplified, text)) else _converter()(text)


@lru_cache(maxsize=8192)
def _is_simplified(character: str) -> bool:
    """Whether a character stays as it is. Most texts are simplified: their phrases need no look."""
    return _converter()(character) == character


@lru_cache(maxsize=1)
def _converter() -> Callable[[str], str]:
    from opencc import OpenCC  # noqa: PLC0415 - reads its tables from files, and commands never search

    convert: Callable[[str], str] = OpenCC("t2s").convert
    return convert
