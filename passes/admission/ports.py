"""Where gates are stored.

All stores raise `errors.Unavailable` when the database does not answer.
"""

from collections.abc import Sequence
from typing import Protocol

from passes.admission.gates import Gate, SetGate, Setup


class Gates(Protocol):
    """Gates by id."""

    async def all(self) -> Sequence[Gate]:
        """Every gate, in order of id."""

    async def add(self, gate: Gate, setup: Setup) -> bool:
        """Store a new gate; False if the id is taken."""

    async def with_setups(self) -> Sequence[SetGate]:
        """Every gate with its setup code, in order of id."""

    async def of_setup(self, setup_digest: str) -> tuple[Gate, Setup] | None:
        """The gate to which this setup code belongs, spent or not."""

    async def enrol(self, gate: Gate, setup: Setup) -> bool:
        """Compare-and-set: store an enrolled gate, and its setup code as spent; False if the stored
        token version is not the one before, or the code is another."""

    async def announce(self) -> None:
        """Tell every process to load the gates anew; for a crash may have come before that."""

    async def renew(self, gate: Gate, setup: Setup) -> bool:
        """Compare-and-set: store a gate and the new setup code with which it has to enrol again;
        False if the stored token version is not the one before."""

    async def disable(self, gate_id: str) -> None:
        """Take a gate out of service."""
