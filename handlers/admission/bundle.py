"""The bundle: what a gate fetches to decide without a line."""

from hashlib import sha256
from typing import Annotated

from pydantic import Field, StringConstraints

from handlers.admission.gates import GateHandler
from handlers.web.endpoint import endpoint
from handlers.web.models import In
from handlers.web.replies import PreparedReply
from handlers.web.routing import Route
from passes.admission.gates import Gate
from passes.admission.offline.bundle import encode
from passes.admission.staff import check_in_service

_MEDIA_TYPE = "application/octet-stream"
_DIGESTS = r"[0-9a-f]{16}(,[0-9a-f]{16}){0,63}"


class BundleQuery(In):
    """What the gate holds already."""

    have: Annotated[str, StringConstraints(pattern=f"^{_DIGESTS}$")] | None = Field(
        default=None, examples=["9f86d081884c7d65,60303ae22b998861"]
    )
    """The first 16 hexadecimal digits of the SHA-256 of parts that the gate holds: they are left
    out."""


class BundleEndpoint(GateHandler):
    """`/api/v1/gate/bundle`"""

    @endpoint(scope="gate:scan", query=BundleQuery, reply=_MEDIA_TYPE)
    async def get(self, query: BundleQuery) -> PreparedReply:
        """The signed bundle of the spot of the gate (docs/gate-protocol.md, "Deciding alone").
        With `If-None-Match` 304, if the gate has it. It holds secrets: a gate out of service, which
        may be lost, gets none."""
        gate, now = await self.gate(), self.now()
        check_in_service(gate)

        def token_digest(each: Gate) -> str | None:
            """That of the token as it was given; of a gate whose enrolment is not dated, none."""
            if each.enrolled_at is None:
                return None
            return sha256(self.services.tokens.for_gate(each, now).encode()).hexdigest()

        package = await self.rooms.admission.bundles.package(gate.spot_id, token_digest, now)
        have = frozenset((query.have or "").split(","))
        content = encode(package, have)
        return PreparedReply(content, _MEDIA_TYPE, package.etag, "no-store", packed=True)


routes = [Route("/api/v1/gate/bundle", BundleEndpoint, "gate-bundle")]
