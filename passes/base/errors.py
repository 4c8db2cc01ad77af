"""The errors of the domain.

    DomainError
    ├── Invalid          the input cannot be accepted; `faults` say where and why
    ├── Unknown          there is no such pass, product, spot, gate or scan
    ├── Conflict         what is asked for is forbidden by what has already happened
    ├── Forbidden        the caller may not, whatever the state of things
    ├── TooOften         it is asked for too often; `retry_after` says when to try again
    └── Unavailable      the database does not answer, or is too busy; trying again may help
        └── Damaged      it answers that it cannot do its work; only an operator can help

A refusal at a gate is none of these: it is an answer, a `Verdict`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from passes.base import typed
from passes.base.text import Text

_LONGEST_SHOWN = 64
"""Characters of a name that an error repeats."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to correct.

    `where` is the dotted path of a field, such as `limits.per_spot`; `what` says what is wrong.
    """

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class DomainError(Exception):
    """What the domain refuses to do: a stable `code`, a `text` for people, the faults if any."""

    def __init__(self, code: str, text: Text, faults: Iterable[Fault] = ()) -> None:
        """`code` is lower_snake_case and never changes its meaning."""
        self.code = code
        self.text = text
        self.faults = tuple(faults)
        super().__init__("; ".join([text.en, *map(str, self.faults)]))


class Invalid(DomainError):
    """The input cannot be accepted."""


class Unknown(DomainError):
    """There is nothing with that id or name."""


class Conflict(DomainError):
    """What has already happened forbids it."""


class Forbidden(DomainError):
    """The caller may not."""


class TooOften(DomainError):
    """It is asked for too often."""

    def __init__(self, code: str, text: Text, retry_after: int) -> None:
        """`retry_after` is in seconds."""
        super().__init__(code, text)
        self.retry_after = retry_after


class Unavailable(DomainError):
    """The database cannot be asked now."""


class Damaged(Unavailable):
    """The database answers, and cannot do what it is asked: trying again does not help."""


def unknown(kind: Text, name: str, known: Iterable[str] = ()) -> Unknown:
    """The `Unknown` error for a thing of some kind, which is the first part of its code.

    `unknown(Text("景区", "spot"), "emeishan")` has the code `spot_unknown`. A very long name is
    cut short, because callers choose it. Of the names that are `known` the most similar is told.
    """
    near = typed.most_like(name[:_LONGEST_SHOWN], known)
    if len(name) > _LONGEST_SHOWN:
        name = name[:_LONGEST_SHOWN] + "…"
    text = Text(f"没有这个{kind.zh}：{name}", f"there is no {kind.en} {name!r}")
    if near is not None:
        text = Text(f"{text.zh}；是否指 {near}？", f"{text.en}; did you mean {near}?")
    return Unknown(f"{kind.en}_unknown", text)
