"""Passes, for their holder and who accompanies them: what they are, their code as text and as a
picture, their visits, and what can be done.

Whoever helps a holder may be given a token of one pass, which shows its code and visits.
"""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from typing import Self

from pydantic import Field

from handlers.holding.pass_views import PassPageOut, PassViewOut, PassViewsOut
from handlers.holding.pictures import PNG, SVG, PictureKind, qr_picture
from handlers.people.visitor import VISITOR, VisitorHandler
from handlers.web.endpoint import endpoint
from handlers.web.models import Out
from handlers.web.replies import PreparedReply
from handlers.web.routing import Route
from passes.base.errors import Forbidden
from passes.base.text import Text
from passes.holding.change import pass_unknown
from passes.holding.lifecycle import Step
from passes.holding.model import Pass
from passes.holding.showing import Shown
from passes.holding.shown_code import LiveCode, live_code, live_text
from passes.ledger.records import Record, RecordKind
from passes.ledger.verdicts import Verdict
from passes.people.companions import Basis
from passes.people.visitors import Visitor

_READ = f"{VISITOR} pass:read"


class DayKeyOut(Out):
    """What a phone rotates the code of one pass with, on one business day."""

    day: date = Field(examples=["2026-07-01"])
    key: str
    """The pass day key, 32 bytes in base64: made for this pass alone, ready to be used as the key
    of the MAC."""


class CodeOut(Out):
    """The code of a pass now, and all that makes the next ones without a network
    (docs/phone-protocol.md)."""

    text: str = Field(examples=["BP1:…"])
    """What to draw at this moment."""
    signed: str
    """The signed part, 83 bytes in base64: the same until the pass is activated, and from then
    on."""
    day_keys: list[DayKeyOut]
    """For today and the 6 days after it, of a companion at most until the day before `ends_on`;
    fetch again before the last of them ends."""
    keys_until: date = Field(examples=["2026-07-07"])
    """The last day on which this shows a code that is taken: fetch again before it is over, and
    tell the visitor until when the phone can do without signal."""
    step_seconds: int = Field(examples=[30])
    """How long a code is shown before the next one is made."""
    server_time: datetime
    """To correct the clock of the phone by."""

    @classmethod
    def of(cls, code: LiveCode) -> Self:
        """The view of a code."""
        return cls.model_validate(code, from_attributes=True)


class PassHandler(VisitorHandler):
    """What the addresses of a pass share."""

    async def held(self, pass_id: str) -> Pass:
        """The pass, if the caller may see it: see `shown`."""
        return (await self.shown(pass_id)).held

    async def shown(self, pass_id: str) -> Shown:
        """The pass, if it is the visitor's or a companion's, or the token of the caller is for it.

        The voucher of an automatic campaign is made when it is asked for. Raises `Unknown` for the
        pass of somebody else as well, so that nobody learns that it is there.
        """
        found = await self.rooms.holding.passes.get(pass_id)
        shown = None
        if VISITOR in self.caller.scopes:
            visitor = await self.visitor()
            if found is None:
                found = await self._automatic(visitor, pass_id)
            if found is not None:
                shown = await self.rooms.holding.showing.of_pass(visitor, found, self.now())
        elif found is not None and found.id == self.caller.id:
            shown = Shown(found)
        if shown is None:
            raise pass_unknown(pass_id)
        return shown

    async def _automatic(self, visitor: Visitor, pass_id: str) -> Pass | None:
        """The voucher of an automatic campaign, of the visitor or a companion."""
        companions = await self.rooms.people.companions.standing(visitor, self.now())
        for each in (visitor, *(visitor.acting(companion.person) for companion in companions)):
            found = await self.rooms.offers.automatic.shown(each, pass_id, self.now())
            if found is not None:
                return found
        return None

    async def view_of(self, shown: Shown, held: Pass | None = None) -> PassViewOut:
        """A pass as the visitor sees it; as it is now, if it was changed since."""
        companion_id = shown.companion.id if shown.companion else None
        return await self.view(held or shown.held, companion_id)

    async def take(self, pass_id: str, step: Step) -> PassViewOut:
        """Take a step in the life of a pass of the visitor, or of a companion."""
        shown = await self.shown(pass_id)
        by = f"visitor:{self.caller.id}"
        after = await self.rooms.holding.lifecycle.take(shown.held.id, step, by, self.now())
        return await self.view_of(shown, after)

    async def picture(self, pass_id: str, kind: PictureKind) -> PreparedReply:
        """The code now as a picture: about a millisecond, less than handing it to a thread costs
        those who wait for the loop meanwhile."""
        held = await self.held(pass_id)
        text = live_text(held, self.rooms.codes, self.now())
        return PreparedReply(qr_picture(text, kind), kind.media_type)


class MyPassesEndpoint(PassHandler):
    """`/api/v1/passes`"""

    @endpoint(scope=VISITOR, reply=PassViewsOut)
    async def get(self) -> PassViewsOut:
        """The passes of the visitor who calls, newest first, then those of each companion."""
        everything = await self.rooms.holding.showing.of_visitor(await self.visitor(), self.now())
        newest_serials = [shown for shown in everything if shown.held.reissued_as is None]
        items = await asyncio.gather(*map(self._view_with_card_seen, newest_serials))
        return PassViewsOut(total=len(items), items=items)

    async def _view_with_card_seen(self, shown: Shown) -> PassViewOut:
        held = await self.rooms.holding.wallet.with_card_seen(shown.held)
        return await self.view_of(shown, held)


class PassEndpoint(PassHandler):
    """`/api/v1/passes/{id}`"""

    @endpoint(scope=_READ, reply=PassPageOut)
    async def get(self, pass_id: str) -> PassPageOut:
        """One pass, with its terms in words."""
        shown = await self.shown(pass_id)
        return PassPageOut.of_view(await self.view_of(shown), shown.held)


class ActivateEndpoint(PassHandler):
    """`/api/v1/passes/{id}/activate`"""

    @endpoint(scope=VISITOR, reply=PassViewOut)
    async def post(self, pass_id: str) -> PassViewOut:
        """Let the days of a pass begin today. Doing it again changes nothing."""
        return await self.take(pass_id, Step.ACTIVATE)


class FreezeEndpoint(PassHandler):
    """`/api/v1/passes/{id}/freeze`"""

    @endpoint(scope=VISITOR, reply=PassViewOut)
    async def post(self, pass_id: str) -> PassViewOut:
        """Let a pass admit nowhere, because the phone is lost."""
        return await self.take(pass_id, Step.FREEZE)


class UnfreezeEndpoint(PassHandler):
    """`/api/v1/passes/{id}/unfreeze`"""

    @endpoint(scope=VISITOR, reply=PassViewOut)
    async def post(self, pass_id: str) -> PassViewOut:
        """Let a pass admit again that its holder has frozen."""
        return await self.take(pass_id, Step.UNFREEZE)


class ReissueEndpoint(PassHandler):
    """`/api/v1/passes/{id}/reissue`"""

    @endpoint(scope=VISITOR, reply=PassViewOut, limit="reissue")
    async def post(self, pass_id: str) -> PassViewOut:
        """Give a pass a new serial, because a phone that has shown it is lost: every code of the
        old one, also on paper, is dead. Doing it again gives the same new pass."""
        shown = await self.shown(pass_id)
        by = f"visitor:{self.caller.id}"
        successor = await self.rooms.holding.reissuing.reissue(
            shown.held.id, by, self.now(), "asked by the visitor"
        )
        return await self.view_of(shown, successor)


class PassCodeEndpoint(PassHandler):
    """`/api/v1/passes/{id}/code`"""

    @endpoint(scope=_READ, reply=CodeOut)
    async def get(self, pass_id: str) -> CodeOut:
        """The code now, and the keys to rotate it for 7 days."""
        shown = await self.shown(pass_id)
        held = await self.rooms.holding.wallet.with_card_seen(shown.held)
        ends_on = None
        if shown.companion is not None:
            ends_on = self.rooms.people.companions.ends_on(shown.companion)
        return CodeOut.of(live_code(held, self.rooms.codes, self.now(), ends_on))


class PassPngEndpoint(PassHandler):
    """`/api/v1/passes/{id}/qr.png`"""

    @endpoint(scope=_READ, reply=PNG.media_type, limit="picture")
    async def get(self, pass_id: str) -> PreparedReply:
        """The code now, as a PNG."""
        return await self.picture(pass_id, PNG)


class PassSvgEndpoint(PassHandler):
    """`/api/v1/passes/{id}/qr.svg`"""

    @endpoint(scope=_READ, reply=SVG.media_type, limit="picture")
    async def get(self, pass_id: str) -> PreparedReply:
        """The code now, as an SVG."""
        return await self.picture(pass_id, SVG)


class AdmissionOut(Out):
    """A visit: one admission, and whether it still counts."""

    pass_id: str = Field(examples=["70a69d540b54f65e"])
    """The serial the pass had then."""
    spot: str = Field(examples=["emeishan"])
    at: datetime
    admits: int = Field(examples=[1])
    """How many people were let in."""
    category: str | None = Field(examples=[None])
    """The category in which the holder entered free by law, if they did: that counts for
    nothing."""
    annulled_at: datetime | None = Field(examples=[None])
    """When it was taken back, because the turnstile did not turn."""

    @classmethod
    def of(cls, record: Record, verdict: Verdict, annulled_at: datetime | None) -> Self:
        """The view of an admission in the ledger, and of its annulment if there is one."""
        return cls(
            pass_id=record.pass_id,
            spot=record.spot_id,
            at=record.at,
            admits=verdict.admits,
            category=verdict.category,
            annulled_at=annulled_at,
        )


class AdmissionsOut(Out):
    """All visits with a pass, oldest first."""

    total: int
    """How many of them count."""
    items: list[AdmissionOut]

    @classmethod
    def of(cls, ledger: Sequence[Record]) -> Self:
        """The view of a whole ledger, or of those of a pass and its predecessors."""
        annulled_at: dict[tuple[str, int], datetime] = {}
        replaced: set[tuple[str, int]] = set()
        for record in ledger:
            if record.annuls is None:
                continue
            undone = record.of_pass or record.pass_id, record.annuls
            if record.kind is RecordKind.ANNULLED:
                annulled_at[undone] = record.at
            else:
                replaced.add(undone)
        items = []
        for record in ledger:
            if (record.pass_id, record.n) in replaced:
                continue
            if record.kind is RecordKind.ADMITTED and record.verdict is not None:
                annulled = annulled_at.get((record.pass_id, record.n))
                items.append(AdmissionOut.of(record, record.verdict, annulled))
        standing = [item for item in items if item.annulled_at is None]
        counting = [item for item in standing if item.category is None]
        return cls(total=len(counting), items=items)


class PassAdmissionsEndpoint(PassHandler):
    """`/api/v1/passes/{id}/admissions`"""

    @endpoint(scope=_READ, reply=AdmissionsOut)
    async def get(self, pass_id: str) -> AdmissionsOut:
        """Where and when the pass was used, also under the serials it had before it was
        reissued. Where a companion was is told to the guardian of a child alone."""
        shown = await self.shown(pass_id)
        if shown.companion is not None and shown.companion.basis is not Basis.GUARDIAN:
            text = Text("同行人的入园记录仅本人可见", "only your companion sees where they were")
            raise Forbidden("visits_of_companion", text)
        records: list[Record] = []
        for each in await self.rooms.admission.histories.lineage(shown.held):
            records += await self.rooms.ledger.records.whole(each.id)
        return AdmissionsOut.of(records)


routes = [
    Route("/api/v1/passes", MyPassesEndpoint, "my-passes"),
    Route("/api/v1/passes/{pass_id}", PassEndpoint, "pass"),
    Route("/api/v1/passes/{pass_id}/activate", ActivateEndpoint, "pass-activate"),
    Route("/api/v1/passes/{pass_id}/freeze", FreezeEndpoint, "pass-freeze"),
    Route("/api/v1/passes/{pass_id}/unfreeze", UnfreezeEndpoint, "pass-unfreeze"),
    Route("/api/v1/passes/{pass_id}/reissue", ReissueEndpoint, "pass-reissue"),
    Route("/api/v1/passes/{pass_id}/admissions", PassAdmissionsEndpoint, "pass-admissions"),
    Route("/api/v1/passes/{pass_id}/code", PassCodeEndpoint, "pass-code"),
    Route("/api/v1/passes/{pass_id}/qr.png", PassPngEndpoint, "pass-qr-png"),
    Route("/api/v1/passes/{pass_id}/qr.svg", PassSvgEndpoint, "pass-qr-svg"),
]
