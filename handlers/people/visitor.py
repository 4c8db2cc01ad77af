"""What the addresses of a signed-in visitor share."""

from handlers.holding.pass_views import PassViewOut
from handlers.web.access import unauthenticated
from handlers.web.api import ApiHandler
from passes.holding.model import Pass
from passes.holding.wallet import tally_of
from passes.people.visitors import Visitor

VISITOR = "visitor:self"
"""The scope of a signed-in visitor."""


class VisitorHandler(ApiHandler):
    """Knows who calls."""

    async def visitor(self) -> Visitor:
        """The visitor who calls. Raises the 401 problem if their tokens have been withdrawn."""
        found = await self.services.visitors.get(self.caller.id)
        if found is None or found.token_version != self.caller.version:
            raise unauthenticated("token_withdrawn")
        return found

    async def view(self, held: Pass) -> PassViewOut:
        """A pass as its holder sees it."""
        tally = await tally_of(held, self.services.ledger)
        return PassViewOut.of(held, tally, self.services.products, self.now())
