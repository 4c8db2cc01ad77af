"""Where gates are stored.

All stores raise `errors.Unavailable` when the database does not answer.
"""

from collections.abc import Sequence
from typing import Protocol

from passes.admission.gates import Gate, Setup


class Gates(Protocol):
    """Gates by id."""

    async def all(self) -> Sequence[Gate]:
        """Every gate, in order of id."""

    async def add(self, gate: Gate, setup: Setup) -> bool:
        """Keep a new gate; False if the id is taken."""

    async def awaiting(self, setup_digest: str) -> tuple[Gate, Setup] | None:
        """The gate that waits for this setup code."""

    async def enrol(self, gate: Gate, setup_digest: str) -> bool:
        """Store an enrolled gate and spend its setup code; False if the code has been spent meanwhile."""

    async def renew(self, gate: Gate, setup: Setup) -> bool:
        """Store a gate that has to enrol again with a new setup code; False if its token version is not one more."""

    async def disable(self, gate_id: str) -> None:
        """Take a gate out of service."""
