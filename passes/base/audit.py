"""The audit line: who did what to what, and when. Where it is stored is in `passes.base.ports`,
how it is written around a change in `passes.base.auditing`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

READS = frozenset({"find", "show", "read_audit"})
"""The actions of operators who looked at something and changed nothing."""


class Outcome(StrEnum):
    """What became of a change that a line speaks of.

    A line is written before its change. One that is still `begun` later was cut short: whether the
    change was made then stands in the thing itself.
    """

    BEGUN = "begun"
    DONE = "done"
    NOT_DONE = "not_done"


@dataclass(frozen=True, slots=True)
class AuditLine:
    """Who did what to what, and when.

    `by` is an operator, a gate, a visitor or a service, as in `operator:USER` or
    `gate:emeishan-7qx2`. `action` is a verb such as `issue`, and `subject` names the thing that
    it was done to, as in `pass:70a69d540b54f65e`.
    """

    at: datetime
    by: str
    action: str
    subject: str
    detail: Mapping[str, str] = field(default_factory=dict)
    outcome: Outcome = Outcome.DONE
    """Lines that were stored before there was an outcome were written after their change."""


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which lines are wanted: all about a `subject`, or all of one who acted (`by`), written from
    `since` until just before `until`; the newest, at most so many."""

    most: int
    subject: str | None = None
    by: str | None = None
    since: datetime | None = None
    until: datetime | None = None
