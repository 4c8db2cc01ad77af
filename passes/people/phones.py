"""Phone numbers: one text by ITU-T E.164, `+` and the code of the country before the number in it.

The rule is that of the standard alone: at most 15 digits; the code of a country has 1 to 3, without
0 in front. WeChat says which part is the country, and has proved that the number is somebody's. So
nothing is left to find out that needs a library with the numbering plan of each country, which is
big, and would refuse new ranges until it is updated.
"""

import re

from passes.base import typed

_E164 = re.compile(r"\+[1-9][0-9]{4,14}")
_COUNTRY_CODE = re.compile(r"[1-9][0-9]{0,2}")
_MAINLAND = "+86"

_MAINLAND_MOBILE = re.compile(r"1[0-9]{10}")

_MOST_AT_START, _AT_END = 5, 2


def e164(country_code: str, number: str) -> str:
    """The number `+8613800000000` of country code `86` and number `13800000000`. Blanks, hyphens,
    brackets and a `+` make no difference. Raises `ValueError` for what is none, without repeating
    it."""
    code = re.sub(r"[+()-]", "", typed.compact(country_code))
    made = f"+{code}" + re.sub(r"[()-]", "", typed.compact(number))
    if not _COUNTRY_CODE.fullmatch(code) or not _E164.fullmatch(made):
        raise ValueError("this is no phone number with its country")
    return made


def typed_e164(number: str) -> str:
    """The number in E.164 as an operator has typed it: with `+` or `00` and the country before it,
    or a mobile number of mainland China. Raises `ValueError`, without repeating it."""
    plain = re.sub(r"[()-]", "", typed.compact(number))
    if _MAINLAND_MOBILE.fullmatch(plain):
        return with_country(plain)
    plain = re.sub(r"^00", "+", plain)
    if not _E164.fullmatch(plain):
        raise ValueError("this is no phone number with its country")
    return plain


def with_country(stored: str) -> str:
    """A stored number with its country. The first ones were stored without: they are those of
    mainland China."""
    return stored if stored.startswith("+") else f"{_MAINLAND}{stored}"


def masked(number: str) -> str:
    """A number of which at least half is hidden: `+8613*******00`, `+852******67`."""
    hidden = (len(number) + 1) // 2
    at_start = min(_MOST_AT_START, len(number) - hidden - _AT_END)
    hidden = len(number) - at_start - _AT_END
    return f"{number[:at_start]}{'*' * hidden}{number[-_AT_END:]}"
