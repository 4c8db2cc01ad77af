"""Gates: a device enrols once, then sends scans and takes admissions back."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    StringConstraints,
    model_validator,
)

from handlers.web.access import forbidden, origin_of, unauthenticated
from handlers.web.api import ApiHandler
from handlers.web.endpoint import endpoint
from handlers.web.models import In, Out, TextOut
from handlers.web.routing import Route
from passes.admission.annulling import Annulled
from passes.admission.cards import Carrier
from passes.admission.gates import (
    TOKEN_LIFE,
    TOKEN_WARNING,
    Gate,
    GateKind,
    Purpose,
    Reader,
    Scan,
    ShownCard,
)
from passes.admission.lookup import Card, FoundPass
from passes.admission.offline.flat import public_to
from passes.base import forms
from passes.base.calendar import business_day, to_milliseconds
from passes.codes.wrongly_set import scanner_fault
from passes.holding.model import Pass, PassState
from passes.ledger.records import By
from passes.ledger.verdicts import Reason, Verdict
from passes.people.identity import DocumentKind
from passes.people.traits import CATEGORIES
from passes.terms.free_entry import FreeCategory

SCAN = "gate:scan"
STAFFED = "gate:lookup"
"""The right of gates with staff: to look passes up, and to decide."""
LONGEST_CODE = 1024

Nonce = Annotated[str, StringConstraints(pattern=forms.NONCE)]


def _in_utc(instant: datetime) -> datetime:
    """Any instant is taken: what the clock of a gate says is evidence, and decides nothing."""
    try:
        return to_milliseconds(instant.astimezone(UTC))
    except OverflowError:
        raise ValueError("lies outside the years 1 to 9999") from None


def _written_as_rfc3339(written: object) -> object:
    if not isinstance(written, str) or not _RFC3339.fullmatch(written):
        raise ValueError("write the instant as 2026-07-01T10:00:00.123+08:00")
    return written


_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
Instant = Annotated[
    AwareDatetime,
    Field(strict=False),
    BeforeValidator(_written_as_rfc3339),
    AfterValidator(_in_utc),
]


Lane = Annotated[str, StringConstraints(min_length=1, max_length=32)]


class EnrolIn(In):
    """What was typed into the device."""

    setup_code: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(
        examples=["K3F9-7QX2-M8PD"]
    )
    """From `gates add`; good once, for 7 days. Case, blanks and hyphens do not matter."""
    device: Annotated[str, StringConstraints(pattern=forms.DEVICE)] | None = Field(
        default=None, examples=["b1f0c2d46f9a4be8a7d35c19"]
    )
    """A random name, at least 64 random bits, that the device makes before it enrols, and keeps: if
    the reply is lost, the same body sent again within 15 minutes gets the same token. Without it a
    repeat gets another token, and the former is withdrawn."""


class GateSpotOut(Out):
    """The spot that a gate stands at."""

    id: str = Field(examples=["emeishan"])
    name: TextOut = Field(examples=[{"zh": "峨眉山景区", "en": "Mount Emei"}])


class BundleKeyOut(Out):
    """A key by which the gate knows the bundles of this system."""

    id: int = Field(examples=[1])
    public: str = Field(examples=["ebVWLo/mVPlAeLES6KmLp5AfhTrmlb7X4OORC60ElmQ="])
    """The 32 bytes of the public Ed25519 key in base64."""


class EnrolOut(Out):
    """What the device keeps."""

    gate_id: str = Field(examples=["emeishan-7qx2"])
    token: str
    """Bearer token for all that follows, good for a year."""
    token_expires_at: datetime
    """When the token ends. The last 30 days the header `Bashu-Token-Expires` says it, too."""
    kind: GateKind
    spot: GateSpotOut
    bundle_keys: list[BundleKeyOut]
    """To be kept beside the token: what is signed by another key is no bundle."""


DocumentNumber = Annotated[str, StringConstraints(min_length=1, max_length=32)]
Country = Annotated[str, StringConstraints(max_length=16)]


class ReadBy(StrEnum):
    """How a document was read."""

    CHIP = "chip"
    TYPED = "typed"
    MRZ = "mrz"


_BY = {ReadBy.CHIP: By.CARD_CHIP, ReadBy.TYPED: By.CARD_TYPED, ReadBy.MRZ: By.CARD_MRZ}


class DocumentIn(In):
    """An identity document that a gate with a reader has read."""

    kind: DocumentKind
    number: DocumentNumber = Field(examples=["11010119900307002X"])
    country: Country | None = Field(default=None, examples=["FRA"])
    """Of a passport: three letters of ISO 3166-1."""

    def to_card(self) -> Card:
        """The card as the domain sees it."""
        return Card(self.number, self.kind, self.country)


class CarrierIn(In):
    """What a visitor shows instead of a card, such as an electronic social-security card."""

    kind: Annotated[str, StringConstraints(pattern=forms.CARRIER)] = Field(
        examples=["social_security"]
    )
    """As its provider calls it."""
    token: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_CODE)] = Field(
        examples=["…"]
    )
    """What the scanner read."""


class ScanIn(In):
    """One presentation: of a code, of a document, or of another carrier. A retry sends the same
    body again."""

    code: Annotated[str, StringConstraints(max_length=LONGEST_CODE)] | None = Field(
        default=None, examples=["BP1:…"]
    )
    """What the scanner read; this, `document` or `carrier`."""
    document: DocumentIn | None = None
    """Of gates that were added with `--reader id_card`."""
    carrier: CarrierIn | None = None
    """Of gates that were added with `--reader carrier`."""
    read: ReadBy = ReadBy.CHIP
    """How the document was read; `typed` at staffed gates alone."""
    nonce: Nonce = Field(examples=["5dfb1cb2d35c1769"])
    """Names this scan; new for each, of this gate for ever, so best 64 random bits or more."""
    scanned_at: Instant = Field(examples=["2026-07-01T10:00:00.123+08:00"])
    """When the code was read, by the clock of the gate."""
    party: Annotated[int, Field(ge=1, le=255)] | None = Field(default=None, examples=[2])
    """How many people want to pass; all that the pass admits, or the rest of them, if it is
    absent."""
    purpose: Purpose = Purpose.ENTER
    """`pay`: they pay at this window and come in through another gate of the spot."""
    leaving: bool = False
    """Whether they leave, the same as the purpose `leave`: they are let out."""

    lane: Lane | None = Field(default=None, examples=["3"])
    """Which lane of the gate was taken; a gate of kind `system` tells it with each scan."""

    free: dict[FreeCategory, Annotated[int, Field(ge=1, le=20)]] = Field(
        default={}, examples=[{"child": 2}]
    )
    """How many people come in free by law beside the holder, by category, at staffed gates alone:
    staff look at them. They count against no limit and pay nothing."""

    @model_validator(mode="after")
    def _one_purpose(self) -> Self:
        if self.leaving and self.purpose is Purpose.PAY:
            raise ValueError("who is leaving does not pay: give `purpose` or `leaving`")
        if self.free and (self.leaving or self.purpose is not Purpose.ENTER):
            raise ValueError("who is free by law neither pays nor is counted out: leave `free` out")
        return self

    @model_validator(mode="after")
    def _one_presentation(self) -> Self:
        shown = (self.code, self.document, self.carrier)
        if sum(each is not None for each in shown) != 1:
            raise ValueError("give one of `code`, `document` and `carrier`")
        return self

    def to_scan(
        self,
        gate: Gate,
        shown: str | ShownCard,
        *,
        staff: str | None = None,
    ) -> Scan:
        """The scan as the domain sees it."""
        purpose = Purpose.LEAVE if self.leaving else self.purpose
        free = {each.value: number for each, number in self.free.items()}
        when = self.scanned_at
        return Scan(gate, shown, self.nonce, when, self.party, purpose, self.lane, staff, free)


class PassOut(Out):
    """The pass behind a code, with as much of its holder as gate staff need."""

    id: str = Field(examples=["70a69d540b54f65e"])
    product: str = Field(examples=["bashu-annual-example"])
    title: TextOut = Field(examples=[{"zh": "巴蜀文旅年票（示例）", "en": "Bashu annual pass"}])
    """What it is called."""
    category: TextOut | None = Field(examples=[{"zh": "成人票", "en": "adult"}])
    """The holder's age band today, so that staff can look; null if it is not known."""
    holder_mask: str = Field(examples=["测** 110***********002X"])

    @classmethod
    def of(cls, held: Pass, today: date) -> Self:
        """The view of a pass."""
        title = held.edition.title
        band = held.traits.age_band_on(today)
        category = None if band is None else TextOut.of(CATEGORIES[band])
        return cls(
            id=held.id,
            product=held.product_id,
            title=TextOut.of(title),
            category=category,
            holder_mask=held.holder.mask,
        )


class VerdictOut(Out):
    """The answer to a scan."""

    verdict: Literal["admitted", "refused", "paid"]
    """`paid` answers the purpose `pay` alone: money is taken, and no gate opens."""
    reason: Reason
    """`ok`, or why not; stable."""
    message: TextOut = Field(examples=[{"zh": "请入园", "en": "Welcome"}])
    """For a screen, with the nearest remedy."""
    speak: str = Field(examples=["请进"])
    """For the loudspeaker."""
    admits: int = Field(examples=[1])
    """How many may pass now, those who are free by law among them."""
    category: FreeCategory | None = Field(examples=[None])
    """The category in which the holder enters free by law, if they do: nothing of the pass is
    used."""
    free: dict[FreeCategory, int] = Field(examples=[{}])
    """How many of `admits` enter free by law, by category; the holder among them."""
    pays: int = Field(examples=[0])
    """How many of them pay now."""
    amount_fen: int | None = Field(examples=[None])
    """What they pay together, if that is known."""
    pass_: PassOut | None = Field(serialization_alias="pass")
    visits_left: int | None = Field(examples=[11])
    """Visits left here after this one, over all days to come; null is without limit."""
    admitted_from: datetime | None = Field(examples=[None])
    """For a refusal the instant from which the pass would be admitted here, if there is one."""
    check_identity: bool
    """Whether staff must compare the visitor with the card."""
    nonce: str = Field(examples=["5dfb1cb2d35c1769"])
    decided_at: datetime
    skew_ms: int = Field(examples=[-120])
    """How far the clock of the gate was ahead of the server's when the scan was decided; negative
    if it was behind. It decides nothing."""

    @classmethod
    def of(cls, verdict: Verdict, held: Pass | None, scan: ScanIn) -> Self:
        """The view of a verdict on a pass, if there is one."""
        message = verdict.message
        if verdict.reason is Reason.CODE_MALFORMED:
            message = scanner_fault(scan.code or "") or message
        skew = scan.scanned_at - verdict.decided_at
        shown = None if held is None else PassOut.of(held, business_day(verdict.decided_at))
        return cls(
            verdict=_decided(verdict),
            reason=verdict.reason,
            message=TextOut.of(message),
            speak=verdict.speak,
            admits=verdict.admits,
            category=None if verdict.category is None else FreeCategory(verdict.category),
            free={FreeCategory(each): number for each, number in verdict.free.items()},
            pays=verdict.pays,
            amount_fen=verdict.amount_fen,
            pass_=shown,
            visits_left=verdict.visits_left,
            admitted_from=verdict.admitted_from,
            check_identity=verdict.check_identity,
            nonce=scan.nonce,
            decided_at=verdict.decided_at,
            skew_ms=round(skew.total_seconds() * 1000),
        )


def _decided(verdict: Verdict) -> Literal["admitted", "refused", "paid"]:
    if not verdict.granted:
        return "refused"
    return "paid" if verdict.paying else "admitted"


class AnnulOut(Out):
    """An admission, or a payment, that no longer counts."""

    nonce: str = Field(examples=["5dfb1cb2d35c1769"])
    pass_id: str = Field(examples=["70a69d540b54f65e"])
    annulled_at: datetime
    gives_back: int = Field(examples=[0])
    """How many people had paid with it, and get their money back."""
    gives_back_fen: int | None = Field(examples=[0])
    """What they had paid together; null if that is not known."""

    @classmethod
    def of(cls, annulled: Annulled) -> Self:
        """The view of an annulment."""
        return cls(
            nonce=annulled.by.nonce,
            pass_id=annulled.by.pass_id,
            annulled_at=annulled.by.at,
            gives_back=annulled.gives_back,
            gives_back_fen=annulled.gives_back_fen,
        )


class GateHandler(ApiHandler):
    """What the addresses of an enrolled gate share."""

    async def gate(self) -> Gate:
        """The gate that calls. Raises the 401 problem if its token has been withdrawn."""
        found = self._in_memory()
        if found is None:
            # It may have enrolled at another process a moment ago, and not be in memory yet.
            await self.services.refresh()
            found = self._in_memory()
        if found is None:
            raise unauthenticated("token_withdrawn")
        if found.renewal is not None and self.caller.version == found.token_version:
            await self.rooms.admission.token_renewing.used(found)
            await self.services.refresh()
        self._warn_of_end()
        return found

    async def shown(self, body: ScanIn, gate: Gate) -> str | ShownCard:
        """What was shown. Raises the 403 problem if the gate was added without such a reader,
        `TooOften`, `Invalid`."""
        cards, now = self.rooms.admission.cards, self.now()
        if body.document is not None:
            typed = body.read is ReadBy.TYPED
            self._check_reader(Reader.ID_CARD, gate, "lookup" if typed else "card")
            return cards.read(body.document.to_card(), _BY[body.read], gate, body.nonce, now)
        if body.carrier is not None:
            self._check_reader(Reader.CARRIER, gate, "card")
            carrier = Carrier(body.carrier.kind, body.carrier.token)
            return await cards.resolve(carrier, gate, body.nonce, now)
        return body.code or ""

    def _check_reader(self, reader: Reader, gate: Gate, limit: str) -> None:
        """Whether a gate is for what was read, and how often it reads: its token, if it calls
        itself. Raises the 403 problem, `TooOften`."""
        scope = f"gate:{reader.value}"
        may_read = reader in gate.readers
        if gate.id == self.caller.id:
            may_read = scope in self.caller.scopes
        if not may_read:
            raise forbidden(scope)
        self.services.limits.check(limit, self.caller, origin_of(self.request), self.now())

    def _warn_of_end(self) -> None:
        """Tell the gate when its token ends, once that is near."""
        ends_at = self.caller.ends_at
        if ends_at is not None and self.token_ends_soon:
            self.set_header("Bashu-Token-Expires", ends_at.strftime("%Y-%m-%dT%H:%M:%SZ"))

    @property
    def token_ends_soon(self) -> bool:
        """Whether the token of the caller ends within 30 days."""
        ends_at = self.caller.ends_at
        return ends_at is not None and ends_at - self.now() < TOKEN_WARNING

    def _in_memory(self) -> Gate | None:
        """The gate that calls, if its token is of a version that is good."""
        gate = self.rooms.admission.gates.get(self.caller.id)
        if gate is None or not gate.takes(self.caller.version, self.now()):
            return None
        return gate

    def bundle_keys(self) -> list[BundleKeyOut]:
        """The keys by which a gate knows bundles."""
        return [
            BundleKeyOut(id=key_id, public=public_to(public))
            for key_id, public in self.rooms.admission.bundles.public_keys().items()
        ]

    def spot_of(self, gate: Gate) -> GateSpotOut:
        """Where a gate stands; without a name, if the spot has left the catalogue since."""
        spot = self.services.catalogue.get(gate.spot_id)
        if spot is None:
            return GateSpotOut(id=gate.spot_id, name=TextOut(zh="", en=""))
        name = TextOut(zh=spot.name.zh, en=spot.name.en or spot.name.zh)
        return GateSpotOut(id=gate.spot_id, name=name)


class EnrolEndpoint(GateHandler):
    """`/api/v1/gate/enrol`"""

    @endpoint(scope=None, body=EnrolIn, reply=EnrolOut)
    async def post(self, body: EnrolIn) -> EnrolOut:
        """Turn a setup code, once, into the token that the device keeps."""
        now = self.now()
        gate = await self.rooms.admission.gate_keeping.enrol(body.setup_code, now, body.device)
        return EnrolOut(
            gate_id=gate.id,
            token=self.services.tokens.for_gate(gate, now),
            token_expires_at=gate.token_ends_at or now + TOKEN_LIFE,
            kind=gate.kind,
            spot=self.spot_of(gate),
            bundle_keys=self.bundle_keys(),
        )


class ScanEndpoint(GateHandler):
    """`/api/v1/gate/scans`"""

    @endpoint(scope=SCAN, body=ScanIn, reply=VerdictOut, counts_some=True)
    async def post(self, body: ScanIn) -> VerdictOut:
        """Admit or refuse a visitor. A refusal is an answer (200), not an error."""
        gate = await self.gate()
        scan = body.to_scan(gate, await self.shown(body, gate))
        verdict, held = await self.rooms.admission.admission.admit(scan, self.now())
        return VerdictOut.of(verdict, held, body)


class AnnulEndpoint(GateHandler):
    """`/api/v1/gate/scans/{nonce}/annul`"""

    @endpoint(scope=SCAN, reply=AnnulOut)
    async def post(self, nonce: str) -> AnnulOut:
        """Take back an admission of this gate, or a payment, within 15 minutes. Doing it again
        changes nothing."""
        gate = await self.gate()
        annulled = await self.rooms.admission.annulling.annul(gate, nonce, self.now())
        return AnnulOut.of(annulled)


class LookupIn(In):
    """What stands on the card."""

    id_number: DocumentNumber = Field(examples=["11010119900307002X"])
    """The number of the document."""
    kind: DocumentKind = DocumentKind.RESIDENT
    country: Country | None = Field(default=None, examples=["FRA"])
    """Of a passport: three letters of ISO 3166-1."""


class FoundOut(Out):
    """A pass of the visitor."""

    pass_: PassOut = Field(serialization_alias="pass")
    state: PassState
    """Today."""
    valid_from: date
    valid_until: date
    code: str = Field(examples=["BP1:…"])
    """To be scanned here, at a staffed gate."""

    @classmethod
    def of(cls, found: FoundPass, today: date) -> Self:
        """The view of a pass that was found."""
        held = found.held
        return cls(
            pass_=PassOut.of(held, today),
            state=held.state_on(today),
            valid_from=held.days.start,
            valid_until=held.days.end,
            code=found.code,
        )


class LookupOut(Out):
    """The passes of a visitor, newest first."""

    total: int
    items: list[FoundOut]

    @classmethod
    def of(cls, found: Sequence[FoundPass], today: date) -> Self:
        """The view of what was found."""
        items = [FoundOut.of(each, today) for each in found]
        return cls(total=len(items), items=items)


class LookupEndpoint(GateHandler):
    """`/api/v1/gate/lookup`"""

    @endpoint(scope=STAFFED, body=LookupIn, reply=LookupOut, limit="lookup")
    async def post(self, body: LookupIn) -> LookupOut:
        """Find the passes of a visitor without a phone, by their ID card; at staffed gates, and
        audited."""
        card = Card(body.id_number, body.kind, body.country)
        found = await self.rooms.admission.lookup.find(card, await self.gate(), self.now())
        return LookupOut.of(found, business_day(self.now()))


routes = [
    Route("/api/v1/gate/lookup", LookupEndpoint, "gate-lookup"),
    Route("/api/v1/gate/enrol", EnrolEndpoint, "gate-enrol"),
    Route("/api/v1/gate/scans", ScanEndpoint, "gate-scans"),
    Route("/api/v1/gate/scans/{nonce}/annul", AnnulEndpoint, "gate-annul"),
]
