"""What the addresses of a signed-in visitor share."""

from handlers.access import unauthenticated
from handlers.api import ApiHandler
from passes.visitors import Visitor

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
