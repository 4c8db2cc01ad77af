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
        return found

    async def view(self, held: Pass) -> PassViewOut:
        """A pass as its holder sees it."""
        tally = await self.rooms.holding.wallet.tally_of(held)
        return PassViewOut.of(held, tally, self.now())
