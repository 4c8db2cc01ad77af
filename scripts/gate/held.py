"""The bundle of a gate: fetched in parts, checked, kept in the journal, and asked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from passes.base.text import Text
from scripts.gate.client import Client
from scripts.gate.journal import Entry, Journal


class Undecided(Exception):
    """There is no verdict, and nothing opens. `code` is stable, `words` are for staff."""

    def __init__(self, code: str, words: Text) -> None:
        """The code of a problem, and its words."""
        super().__init__(words.en)
        self.code = code
        self.words = words


class Held:
    """The newest bundle that this device has, if it has one."""

    def __init__(self, spot_id: str, keys: Sequence[Mapping[str, Any]]) -> None:
        """`keys` are those that may sign bundles, as they came with the enrolment."""
        self.bundle: Any = None
        self.etag: str | None = None

    @property
    def version(self) -> dict[str, int] | None:
        return None

    @property
    def about(self) -> dict[str, Any] | None:
        return None

    @property
    def made_at(self) -> datetime | None:
        return None

    async def restore(self, journal: Journal) -> None:
        return

    async def refresh(self, client: Client, journal: Journal) -> None:
        return

    def decide(
        self, gate_id: str, body: Mapping[str, Any], entries: Sequence[Entry], at: datetime
    ) -> tuple[dict[str, Any], dict[str, Any] | None]:
        raise Undecided("no_bundle", Text("没有离线数据", "no bundle"))

    def entry_of(self, body: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any] | None:
        return None

    def gate_of(self, token_digest: str) -> str | None:
        return None

    def without(self, have: frozenset[str]) -> bytes:
        raise NotImplementedError
