"""Findings: what the doctor looked at, how it is, and what to do about it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is: only a `fault` needs a hand."""

    OK = "ok"
    NOTICE = "notice"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what to do. `ends_at` is set for what ends."""

    check: str
    level: Level
    what: str
    remedy: str = ""
    ends_at: datetime | None = None
