"""Unreadable: what YAML, JSON, CSV and the system find wrong with a file, in plain words.

`passes.base.faults` tells what is wrong with single fields; this is for files in which no field can
be found. Knows no YAML library: it is handed what that library says.
"""

import csv
import json
import re

NOT_UTF8 = "save the file as UTF-8"
WIDE_COLON = "write a colon of half width and a blank (: ) instead of ："
_QUOTE_IT = "put the text into quotes"

_YAML = (
    # what libyaml says: what to tell instead
    ("mapping values are not allowed", f"there is a colon too many here; {_QUOTE_IT}"),
    (
        "cannot start any token",
        f"a tab, @, ` or % stands in front; indent by blanks, or {_QUOTE_IT}",
    ),
    ("found a tab character", "indent by blanks, not by tabs"),
    ("found another document", "one file holds one document; remove ---"),
    ("did not find expected ',' or", "a comma or a closing bracket is missing"),
    ("did not find expected '-' indicator", "each record of a list begins with - in one column"),
    (
        "did not find expected key",
        "it is indented otherwise than the lines above, or text follows a quote",
    ),
    ("did not find expected node content", "a value is missing, or a bracket is not closed"),
    ("block sequence entries are not allowed", "a list begins on a line of its own"),
    ("could not find expected ':'", "a colon and a blank are missing after the name of a field"),
    ("unexpected end of stream", "a quote is opened and never closed"),
    ("unexpected document indicator", "a quote is opened and never closed before ---"),
    ("unknown escape character", "a \\ stands in double quotes; use single quotes"),
    ("undefined alias", f"a word begins with *; {_QUOTE_IT}"),
    ("expected alphabetic or numeric character", f"a word begins with & or *; {_QUOTE_IT}"),
    ("duplicate anchor", f"a word begins with &; {_QUOTE_IT}"),
    ("tag", f"a word begins with !; {_QUOTE_IT}"),
    ("<document start>", "a closing bracket is too many, or two lines begin otherwise"),
    ("directive", f"a word begins with %; {_QUOTE_IT}"),
    ("expected comment or line break", f"text stands behind | or >; {_QUOTE_IT}"),
    ("control characters are not allowed", "there is a character that cannot be printed"),
    ("special characters are not allowed", "there is a character that cannot be printed"),
    ("found unhashable key", "the name of a field is a word, not a list"),
    ("stands twice", ""),
    ("levels deep", ""),
)
_WIDE_COLON = re.compile(r"^\s*(?:-\s+)?[A-Za-z_.]+：")


def yaml_words(problem: str) -> str:
    """What to correct where YAML cannot be read; `problem` is what the library says of it."""
    for said, instead in _YAML:
        if said in problem:
            return instead or problem
    return f"it is not written as YAML; {_QUOTE_IT} that has more than words and digits"


def wide_colon(text: str) -> int | None:
    """The first line, from 1, on which the name of a field ends with a colon of full width."""
    for number, line in enumerate(text.splitlines(), start=1):
        if _WIDE_COLON.match(line):
            return number
    return None


def json_words(error: Exception) -> str:
    """What to correct in a file that is not JSON."""
    if isinstance(error, json.JSONDecodeError):
        return f"it cannot be read from line {error.lineno}, column {error.colno} on"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if "integer string conversion" in str(error):
        return "a number has too many digits"
    return str(error)


def csv_words(error: csv.Error) -> str:
    """What to correct in a file that is not CSV."""
    if "field larger" in str(error):
        return "a cell is longer than 131,072 characters; is a quote never closed?"
    return 'a quote (") is not closed, or stands inside a cell alone: write it twice'


def system_words(error: OSError) -> str:
    """What stands in the way of a file, and of which, as the system says it."""
    reason = error.strerror or "cannot be used"
    if error.filename is None:
        return reason
    return f"{error.filename}: {reason}"
