"""Scanned text: what a scanner adds to a code, or changes in it without doubt, brought to one form.

A scanner may be set to send frames around what it reads, in small letters, or through an input
method that makes full-width characters. None of that can turn one code into another: the signature
still protects. Knows nothing of what a code says.
"""

import re
import unicodedata
from functools import lru_cache

_AIM_IDENTIFIER = re.compile(r"^\][A-Za-z][0-9A-Za-z]")
"""`]Q1`: what was scanned, by ISO/IEC 15424."""

_ECI = re.compile(r"^(\\[0-9]{6})+")
"""`\\000026`: the character set, by AIM ITS/04-023; 26 is UTF-8."""

_DROPPED = frozenset({"Cc", "Cf"})
"""Unicode categories of characters that show nothing: STX, ETX, GS, NUL, CR, LF, tab, BOM."""


@lru_cache(maxsize=64)  # each scan asks twice, with a few scans between
def one_form(text: str) -> str:
    """The text as it stands in the QR picture, as far as that can be told.

    1. full-width characters and no-break spaces become plain ones (NFKC);
    2. characters that show nothing go, and blanks around the rest: none can end a code;
    3. identifiers in front go;
    4. letters are capitals: Base45 has no others.
    """
    shown = text
    if not (text.isascii() and text.isprintable()):  # nearly all are: it is in the way of each scan
        plain = unicodedata.normalize("NFKC", text)
        shown = "".join(each for each in plain if unicodedata.category(each) not in _DROPPED)
    bare = _ECI.sub("", _AIM_IDENTIFIER.sub("", shown.strip(" ")))
    return bare.strip(" ").upper()
