"""The wallet of a visitor: the passes that are theirs."""

from passes.model import Pass
from passes.ports import Passes
from passes.visitors import Visitor


async def passes_of(visitor: Visitor, passes: Passes) -> list[Pass]:
    """All passes of a visitor, newest first: of the person they are, and of the account."""
    lookups = {visitor.lookup, visitor.anonymous.lookup}
    found = [held for lookup in lookups for held in await passes.of_holder(lookup)]
    return sorted(found, key=lambda held: held.issued_at, reverse=True)
