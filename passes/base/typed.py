"""Typed: what people and devices type, brought to one form before anything is judged.

Full width is that of an input method, invisible marks come from copying, blanks from forms: none of
them means anything. Everything that compares typed text begins here; what else makes no difference
(case, traditional characters, dots) is for whoever knows what the text is.
"""

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

_INVISIBLE = "Cf"
"""The category of Unicode of what only formats: U+200B, U+FEFF, marks of direction."""


def plain(text: str) -> str:
    """The text in half width (NFKC), without invisible marks, and without blanks around it."""
    if text.isascii():
        return text.strip()
    # The marks first: a letter and its accent come together only when nothing stands between them.
    return unicodedata.normalize("NFKC", without_marks(text)).strip()


def without_marks(text: str) -> str:
    """The text without characters that show nothing and separate nothing."""
    return "".join(each for each in text if unicodedata.category(each) != _INVISIBLE)


def one_line(text: str) -> str:
    """Plain text with single blanks, as a name is written."""
    return " ".join(plain(text).split())


def compact(text: str) -> str:
    """Plain text without any blank, as a number is written."""
    return "".join(plain(text).split())


def most_like(written: str, known: Iterable[str]) -> str | None:
    """The known word that is most like the written one; None if none is like it."""
    found = get_close_matches(slug(written), list(known), n=1, cutoff=0.7)
    return found[0] if found else None


def likest(written: str, known: Iterable[str]) -> str:
    """A question after the known word that is most like the written one; nothing if none is."""
    found = most_like(written, known)
    if found is None:
        return ""
    return f"; did you mean {found}?"


def slug(text: str) -> str:
    """An id or a key, as it is written here: plain and in small letters."""
    return plain(text).lower()
