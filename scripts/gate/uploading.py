"""Uploading: what was decided here goes to the server, in order, some hundreds a call.

Every item gets an answer of its own. One that the server cannot read is set aside, with what the
server said of it, and keeps nobody back. Knows no rules.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from scripts.gate import VERSION
from scripts.gate.client import Client, NoAnswer, Refused
from scripts.gate.clock import GateClock, boot_id, steady
from scripts.gate.journal import Journal, Queued

MOST_ITEMS = 500
_MOST_BYTES = 480 * 1024
"""The server takes 512 KiB; the rest is for what stands around the items."""
_SECONDS = 30.0
_NOT_A_HUB = "gate_not_behind"
"""The server takes items of other gates from a hub alone: `gates add --hub`."""

_RECKONED = "reckoned"
"""How an item says, in the journal alone, when it was scanned by the steady clock."""
_WRONG = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, 422}


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What came of one call."""

    items: int
    """How many were answered for."""
    conflicts: Sequence[str]
    wrong: Sequence[Mapping[str, Any]]
    """What the server could not read, and why."""
    is_no_hub: bool = False
    """Whether items of other gates wait, because the server takes them from a hub alone."""


def reckoned() -> dict[str, Any]:
    """What is added to an item so that its instant can be told later, though the clock of the
    machine is set in between."""
    return {_RECKONED: [boot_id(), steady()]}


async def upload_once(
    client: Client, journal: Journal, clock: GateClock, bundle: Mapping[str, Any] | None
) -> Uploaded:
    """Send the oldest that wait. Raises `NoAnswer`, `Refused` if nothing at all may be sent,
    `NotKept`."""
    waiting = _fitting(await journal.queue(MOST_ITEMS))
    while waiting:
        sent_at = clock.now()
        items = [_dated(each.item, sent_at) for each in waiting]
        about = {"sent_at": sent_at.isoformat(), "bundle": bundle, "version": VERSION}
        try:
            reply = await client.post("/gate/scans/batch", {**about, "items": items}, _SECONDS)
        except Refused as error:
            if error.status not in _WRONG:
                raise
            if len(waiting) > 1:  # which of them is it?
                waiting = waiting[: len(waiting) // 2]
                continue
            result = {"result": "wrong", "error": dict(error.problem)}
            return await _settled(journal, waiting, [result], sent_at)
        results = reply.get("items")
        if not isinstance(results, list) or len(results) != len(waiting):
            raise NoAnswer("the answer to an upload has not as many items as were sent")
        received_at = datetime.fromisoformat(reply["received_at"])
        return await _settled(journal, waiting, results, received_at)
    return Uploaded(0, [], [])


def _fitting(waiting: Sequence[Queued]) -> Sequence[Queued]:
    """As many of the first as one body holds; at least one."""
    size = 0
    for n, each in enumerate(waiting):
        size += len(json.dumps(each.item)) + 2
        if n and size > _MOST_BYTES:
            return waiting[:n]
    return waiting


def _dated(item: Mapping[str, Any], sent_at: datetime) -> dict[str, Any]:
    """An item as it is sent: its instant as far before `sent_at` as it was by the steady clock, if
    that still counts from the same start."""
    dated = {name: value for name, value in item.items() if name != _RECKONED}
    boot, at = item.get(_RECKONED, ("", 0.0))
    if boot and boot == boot_id():
        name = "scanned_at" if item["kind"] == "scan" else "at"
        dated[name] = (sent_at - timedelta(seconds=steady() - at)).isoformat()
    return dated


async def _settled(
    journal: Journal,
    sent: Sequence[Queued],
    results: Sequence[Mapping[str, Any]],
    received_at: datetime,
) -> Uploaded:
    """Note what was answered; what the server wants later, or from another sender, waits on."""
    answered = [pair for pair in zip(sent, results, strict=True) if not _waits_on(pair[1])]
    wrong = [result for each, result in answered if _is_wrong(each, result)]
    await journal.uploaded(
        [(each.n, dict(result), _is_wrong(each, result)) for each, result in answered], received_at
    )
    conflicts = [result["conflict"] for _, result in answered if result.get("conflict")]
    is_no_hub = any(_error_in(result) == _NOT_A_HUB for result in results)
    return Uploaded(len(answered), conflicts, wrong, is_no_hub)


def _waits_on(result: Mapping[str, Any]) -> bool:
    return result["result"] == "later" or _error_in(result) == _NOT_A_HUB


def _is_wrong(sent: Queued, result: Mapping[str, Any]) -> bool:
    """Whether the server cannot take an item. That it knows nothing of what is taken back is no
    fault: it never got it."""
    taken_back = sent.item["kind"] == "annul" and _error_in(result) == "scan_unknown"
    return result["result"] == "wrong" and not taken_back


def _error_in(result: Mapping[str, Any]) -> str | None:
    error = result.get("error") or {}
    return error.get("code")
