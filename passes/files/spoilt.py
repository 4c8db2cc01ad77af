"""Spoilt: what spreadsheets make of values, brought back where that is possible, else named.

A day becomes the number of days since 1900, or is written as the country writes it. A long number
is rounded to 15 digits, or shown as 1.10101E+17; noughts in front of it are dropped: no program can
bring these back.
"""

import re
from datetime import date, datetime, time, timedelta

from passes.people.identity import check_digit

DAYS = frozenset({"as_of"})
"""The fields that hold a day."""

NUMBERS_OF_PEOPLE = frozenset({"id_number"})
"""The fields that hold the number of a document: digits that are not to be calculated with."""

PHONES = frozenset({"phones"})
"""The fields that hold numbers to call."""

_ANEW = "make the column one of text and write it anew"
_FIRST_DAY = datetime(1899, 12, 30)  # noqa: DTZ001 - a day, of no zone
_SERIAL = re.compile(r"[0-9]{5}(\.[0-9]+)?")
_DAY = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?"
    r"(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.0+)?)?)?"
)
_SCIENTIFIC = re.compile(r"[0-9](\.[0-9]+)?[Ee]\+?[0-9]+")
_NOT_EXACT = 10**15
"""Spreadsheets keep 15 digits."""

_ROUNDED = re.compile(r"[0-9]{15}0+")
_WITHOUT_NOUGHT = re.compile(r"(?!400|800)(10[0-9]{8}|[2-9][0-9]{8,10})")
"""A landline of ten digits or so, without the 0 of its area code."""


def written(value: object, field: str) -> str:
    """The value of a cell in that field as text of one form. Raises nothing: what is no day, and
    should be one, stays as it is, for whoever checks the field."""
    if field in DAYS:
        moment = moment_of(value)
        if moment is not None:
            return text_of(moment)
    return text_of(value)


def text_of(value: object) -> str:
    """The value of a cell as text: `18500`, `true`, `2026-07-01`, `2026-07-01 10:00`, `08:30`."""
    if isinstance(value, timedelta):  # a time of day, shown in another form
        value = (_FIRST_DAY + value).time()
    match value:
        case bool():
            return str(value).lower()
        case float() if value.is_integer():
            return f"{value:.0f}"
        case datetime() if value.time() != time.min:
            return value.isoformat(" ", timespec="minutes")
        case datetime():
            return value.date().isoformat()
        case time():
            return value.isoformat(timespec="minutes")
        case _:
            return str(value).strip()


def moment_of(value: object) -> datetime | None:
    """The moment that a cell means, of no zone, at midnight if it tells a day alone; None if it is
    none.

    `46204`, `2026/7/1`, `2026年7月1日`, `2026-07-01 10:00` and their values in spreadsheets.
    """
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time.min)
    text = text_of(value)
    if _SERIAL.fullmatch(text):
        moment = _FIRST_DAY + timedelta(days=float(text))
        # A day is kept as a fraction: ten o'clock may come as 9:59:59.9999.
        return (moment + timedelta(milliseconds=500)).replace(microsecond=0)
    found = _DAY.fullmatch(text)
    if found is None:
        return None
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001
    except ValueError:
        return None


def spoilt(value: object, field: str) -> str:
    """What a spreadsheet has done to the value of a cell in that field; nothing if it is whole."""
    text = text_of(value)
    if field in NUMBERS_OF_PEOPLE:
        if _SCIENTIFIC.fullmatch(text):
            return f"a spreadsheet has made {text} of the number: {_ANEW}"
        if _is_rounded(value, text):
            return f"a spreadsheet has rounded the number, its end is lost: {_ANEW}"
    if field in PHONES and _WITHOUT_NOUGHT.fullmatch(text):
        return f"a spreadsheet has dropped the 0 in front of {text}: {_ANEW}, such as 0833-5090000"
    return ""


def _is_rounded(value: object, text: str) -> bool:
    """Whether only the first 15 digits of a number can be true. One in a thousand resident ID
    numbers does end with 000, and is known by its check digit."""
    if isinstance(value, int | float):
        return value >= _NOT_EXACT
    return _ROUNDED.fullmatch(text) is not None and not (
        len(text) == 18 and check_digit(text[:17]) == text[17]
    )
