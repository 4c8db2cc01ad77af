"""Names: a real name in one form, whatever keyboard, font or document it comes from.

Knows no document and no hash. What was accepted once keeps its form, because hashes of it are
stored; where one form was made of two, `writings` tells both
(docs/adr/0035-one-form-of-names-and-numbers.md).
"""

import re
import unicodedata
from collections.abc import Sequence

from passes.base import typed
from passes.base.errors import Fault

_SHORTEST, _LONGEST = 2, 70

_HAN = (
    "[\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0002fffd\U00030000-\U0003fffd]"
)
"""々, 〇, and the blocks of Han characters; planes 2 and 3 of Unicode are kept for them alone.

Asked by block: `str.isalpha` knows only what was assigned when this version of Python was made.
"""

_VARIATION = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Variation selectors: they choose a glyph of the character before them, not another character."""

_DOTS = re.compile("[•・‧･⋅∙●ᐧ⸱᛫ꞏ◦∘⦁⸳]")
"""What stands for the dot · wherever it is typed. NFKC has made · of U+0387 already."""

_BETWEEN_HAN = re.compile(f"({_HAN}{_VARIATION.pattern}*) ?[.。]{_VARIATION.pattern}* ?(?={_HAN})")
"""A full stop between Han characters, which is the dot there; NFKC has made it of ． ․ ﹒ ｡."""

_DOT_BETWEEN_HAN = re.compile(f"({_HAN}{_VARIATION.pattern}*)·(?={_HAN})")


def one_form(name: str) -> str:
    """A name in one form, with one kind of dot, circle, apostrophe and hyphen; doing it again
    changes nothing.

    `<` parts the names in the machine-readable lines of a passport (ICAO Doc 9303), and `/` in what
    is written from them: they are blanks.
    """
    name = typed.one_line(re.sub("[/<]", " ", typed.plain(name)))
    name = re.sub("[○◯]", "〇", name)
    name = re.sub("[‐–−]", "-", re.sub("[’‘`]", "'", name))
    return _BETWEEN_HAN.sub(r"\1·", _DOTS.sub("·", name))


def writings(name: str) -> Sequence[str]:
    """What is hashed of a name in one form, so that those who write it alike have one hash in
    common: first as it is compared today, then as it could be stored before.

    Blanks, capitals and variation selectors make no other name. Until 2026 variation selectors did,
    and a full stop between Han characters stayed one.
    """
    before = name.casefold().replace(" ", "")
    today = _VARIATION.sub("", before)
    with_stops = _DOT_BETWEEN_HAN.sub(r"\1.", before)
    return list(dict.fromkeys([today, before, with_stops]))


def wrong_with(name: str) -> list[Fault]:
    """The fault in a name in one form, if it has one."""
    enough_letters = sum(map(_is_letter, name)) >= _SHORTEST
    only_a_name = all(map(_in_a_name, name))
    if enough_letters and only_a_name and len(name) <= _LONGEST:
        return []
    return [Fault("name", f"a real name of {_SHORTEST} to {_LONGEST} letters is needed")]


def _is_letter(character: str) -> bool:
    return character.isalpha() or re.fullmatch(_HAN, character) is not None


def _in_a_name(character: str) -> bool:
    is_mark = unicodedata.category(character).startswith("M")  # combines with the letter before it
    return _is_letter(character) or is_mark or character in "· '.-"
