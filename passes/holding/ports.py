"""What the domain needs from the outside, as Protocols. `passes.store` fulfils them with MongoDB.

All of them raise `errors.Unavailable` when the database does not answer.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from passes.holding.model import Pass
from passes.people.holder import Holder


class Passes(Protocol):
    """Passes by serial."""

    async def get(self, pass_id: str) -> Pass | None:
        """The pass as it is now."""

    async def add(self, issued: Pass) -> None:
        """Keep a new pass. Raises `errors.Conflict` if the serial is taken."""

    async def of_holder(self, lookup: str) -> Sequence[Pass]:
        """All passes of the holder with that keyed hash, newest first."""

    async def of_product(self, product_id: str) -> Sequence[Pass]:
        """All passes of a product."""

    async def belong_to(self, pass_id: str, holder: Holder) -> None:
        """Set who the pass belongs to."""

    async def become(self, before: Pass, changes: Mapping[str, Any]) -> bool:
        """Change fields of a pass; False if its state, who froze it, or that it was given back, is not as before."""


class Holdings(Protocol):
    """Which pass somebody holds under a key, such as that of a product and a person."""

    async def take(self, key: str, holder: str, pass_id: str) -> str:
        """Note that the key is held under a pass, and return it, or return the pass under which it is held already."""

    async def pass_on(self, key: str, before: str, after: str) -> bool:
        """Let another pass take the place of one; False if that is not the one any more."""

    async def drop(self, holder: str) -> None:
        """Forget all that a holder holds."""
