"""Asserts about verdicts, the same for those of the domain and for those a gate gets as JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from passes.ledger.verdicts import Reason, Verdict
from tests.support.api import Answer

Told = Verdict | Answer | Mapping[str, Any]
"""A verdict: of the domain, the reply to a scan, or the JSON of it."""

_INSTANTS = {"admitted_from", "decided_at"}


def assert_admitted(told: Told, **expected: Any) -> None:
    """The gate opens, and further fields are as expected: `admits=2, pays=1`."""
    _assert_told(told, {"verdict": "admitted", "reason": Reason.OK} | expected)


def assert_refused(told: Told, reason: Reason, **expected: Any) -> None:
    """The gate stays shut for that reason, nobody is admitted and nobody pays.

    Further fields are as expected; instants are datetimes: `admitted_from=start_of(TOMORROW)`.
    """
    nobody = {"admits": 0, "pays": 0}
    _assert_told(told, {"verdict": "refused", "reason": reason} | nobody | expected)


def reason_of(told: Told) -> Reason:
    """Why somebody was admitted or refused, for counting many verdicts."""
    return Reason(_field(told, "reason"))


def _assert_told(told: Told, expected: Mapping[str, Any]) -> None:
    if isinstance(told, Answer):
        assert told.status == 200, told.body.decode()
    actual = {name: _field(told, name) for name in expected}
    assert actual == expected


def _field(told: Told, name: str) -> Any:
    if isinstance(told, Answer):
        return _field(told.json, name)
    if isinstance(told, Verdict):
        if name == "verdict":
            return "admitted" if told.admitted else "refused"
        return getattr(told, name)
    value = told[name]
    if name in _INSTANTS and value is not None:
        return datetime.fromisoformat(value)
    return value
