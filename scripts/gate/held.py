"""The bundle of a gate: fetched in parts, checked, kept in the journal, and asked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from scripts.gate.client import Client
from scripts.gate.journal import Entry, Journal


class Held:
    """The newest bundle that this device has, if it has one."""

    def __init__(self, spot_id: str, keys: Sequence[Mapping[str, Any]]) -> None:
        """`keys` are those that may sign bundles, as they came with the enrolment."""
        self.bundle: Any = None
        self.etag: str | None = None

    @property
    def version(self) -> dict[str, int] | None:
        raise NotImplementedError

    @property
    def about(self) -> dict[str, Any] | None:
        raise NotImplementedError

    @property
    def made_at(self) -> datetime | None:
        raise NotImplementedError

    async def restore(self, journal: Journal) -> None:
        raise NotImplementedError

    async def refresh(self, client: Client, journal: Journal) -> None:
        raise NotImplementedError

    def decide(
        self, gate_id: str, body: Mapping[str, Any], entries: Sequence[Entry], at: datetime
    ) -> tuple[dict[str, Any], dict[str, Any] | None]:
        raise NotImplementedError

    def entry_of(self, body: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any] | None:
        raise NotImplementedError

    def gate_of(self, token_digest: str) -> str | None:
        raise NotImplementedError

    def without(self, have: frozenset[str]) -> bytes:
        raise NotImplementedError
