"""The handler that the addresses of a signed-in visitor share."""

from handlers.holding.pass_views import PassViewOut
from handlers.web.access import unauthenticated
from handlers.web.api import ApiHandler
from passes.holding.model import Pass
from passes.people.visitors import Visitor

VISITOR = "visitor:self"
"""The scope of a signed-in visitor."""


class VisitorHandler(ApiHandler):
    """Knows who calls."""

    async def visitor(self) -> Visitor:
        """The visitor who calls. Raises the 401 problem if their tokens have been withdrawn."""
        found = await self.rooms.people.visitors.get(self.caller.id)
        if found is None or found.token_version != self.caller.version:
            raise unauthenticated("token_withdrawn")
        if self.caller.session in found.ended_sessions:
            raise unauthenticated("session_ended")
        return found

    async def claimant(self, companion_id: str | None) -> Visitor:
        """The visitor who calls, for themselves or for a companion of theirs. Raises `Unknown`."""
        visitor = await self.visitor()
        if companion_id is None:
            return visitor
        companion = await self.rooms.people.companions.named(visitor, companion_id, self.now())
        return visitor.acting(companion.person)

    async def view(self, held: Pass, companion_id: str | None = None) -> PassViewOut:
        """A pass as its holder sees it, or who shows it for them."""
        tally = await self.rooms.holding.wallet.tally_of(held)
        return PassViewOut.of(held, tally, self.now(), companion_id)
