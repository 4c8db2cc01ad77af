"""A batch: what a gate decided without a line, or the scans of a group, item by item."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SkipValidation, StringConstraints, ValidationError, model_validator
from pydantic_core import to_json

from handlers.admission.gates import (
    LONGEST_CODE,
    SCAN,
    GateHandler,
    Instant,
    Nonce,
    ScanIn,
    VerdictOut,
)
from handlers.admission.staff import HandAdmissionIn
from handlers.web.endpoint import endpoint
from handlers.web.models import In, Out, TextOut
from handlers.web.problems import FaultOut, Problem
from handlers.web.routing import Route
from passes.admission.by_hand import Shown
from passes.admission.gates import Gate, Purpose
from passes.admission.offline.items import (
    AnnulItem,
    DecidedAlone,
    HandItem,
    Item,
    ItemResult,
    Result,
    ScanItem,
    Timing,
)
from passes.base.errors import DomainError, Fault, Forbidden, Invalid, TooOften
from passes.base.faults import faults_of
from passes.base.text import Text
from passes.ledger.verdicts import Reason

MOST_ITEMS = 500
BATCH_LIMIT = 512 * 1024
"""In bytes."""

_HUB = "gate:hub"
"""The right to speak for the other gates of the spot."""

Count = Annotated[int, Field(ge=0, le=255)]
Short = Annotated[str, StringConstraints(max_length=40)]
GateId = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class DecidedIn(In):
    """What the gate decided."""

    reason: Reason
    """`ok`, or why it refused."""
    admits: Count = Field(default=0, examples=[1])
    """How many it let in, or out."""
    pays: Count = 0
    """How many of them paid at it."""


class ScanItemIn(ScanIn):
    """A scan, as it would have been sent live, with what the gate decided."""

    kind: Literal["scan"]
    decided: DecidedIn | None = None
    """Null if it is to be decided now."""
    staff: Short | None = None
    """Who of the staff scanned, if the gate knows."""
    gate: GateId | None = None
    """Of a hub, the gate behind it; the caller itself if it is left out."""

    @model_validator(mode="after")
    def _somebody_came(self) -> Self:
        alone, pays = self.decided, self.purpose is Purpose.PAY and not self.leaving
        if alone is not None and alone.reason is Reason.OK and not alone.admits and not pays:
            raise ValueError("`ok` lets somebody in: say in `decided.admits` how many")
        return self

    def to_item(self, gate: Gate, shown: Any) -> ScanItem:
        """The item as the domain sees it."""
        scan = self.to_scan(gate, shown, staff=self.staff)
        alone = self.decided
        if alone is None:
            return ScanItem(scan, None)
        return ScanItem(scan, DecidedAlone(alone.reason, alone.admits, alone.pays))


class AnnulItemIn(In):
    """What the gate let in did not come in after all."""

    kind: Literal["annul"]
    nonce: Nonce = Field(examples=["5dfb1cb2d35c1769"])
    """That of the scan, or of the admission by hand."""
    at: Instant
    """By the clock of the gate."""
    gate: GateId | None = None


class HandItemIn(HandAdmissionIn):
    """People whom staff let in by hand."""

    kind: Literal["hand"]
    at: Instant
    """By the clock of the gate."""
    gate: GateId | None = None

    def to_item(self, gate: Gate) -> HandItem:
        """The item as the domain sees it."""
        shown = Shown(self.people, self.code, self.pass_id)
        return HandItem(self.by(gate, self.reason), shown, self.at)


_ItemIn = ScanItemIn | AnnulItemIn | HandItemIn
_KINDS: dict[str, type[_ItemIn]] = {"scan": ScanItemIn, "annul": AnnulItemIn, "hand": HandItemIn}


class BatchBundleIn(In):
    """The version of the bundle that the gate holds."""

    epoch: Annotated[int, Field(ge=0, le=2**31)] = Field(examples=[0])
    number: Annotated[int, Field(ge=0, le=2**53)] = Field(examples=[1782871200000])


class BatchIn(In):
    """What a gate tells, in the order in which it happened."""

    sent_at: Instant = Field(examples=["2026-07-01T12:00:00.000+08:00"])
    """When this is sent, by the clock of the gate: with it the times of the items are corrected."""
    bundle: BatchBundleIn | None = None
    version: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        default=None, examples=["bashu-gate 1.0"]
    )
    """Of the program of the gate."""
    items: Annotated[list[SkipValidation[_ItemIn]], Field(max_length=MOST_ITEMS)]
    """Each is checked by itself: one that is wrong keeps no other back."""


class BatchErrorOut(Out):
    """What is wrong with an item."""

    code: str = Field(examples=["item_invalid"])
    what: TextOut
    errors: list[FaultOut]

    @classmethod
    def of(cls, error: DomainError) -> Self:
        """The view of an error."""
        faults = [FaultOut(where=fault.where, what=fault.what) for fault in error.faults]
        return cls(code=error.code, what=TextOut.of(error.text), errors=faults)


class BatchItemOut(Out):
    """What became of an item."""

    nonce: str | None = Field(examples=["5dfb1cb2d35c1769"])
    """As it was sent; null if it cannot be read."""
    result: Result
    verdict: VerdictOut | None
    """Of a scan: what is recorded."""
    conflict: str | None = Field(examples=[None])
    """The number of the conflict, if it is one."""
    error: BatchErrorOut | None


class BatchOut(Out):
    """What became of each item, in their order."""

    received_at: datetime
    skew_ms: int = Field(examples=[-120])
    """How far the clock of the gate was ahead of the server's; negative if it was behind."""
    items: list[BatchItemOut]


class BatchEndpoint(GateHandler):
    """`/api/v1/gate/scans/batch`"""

    @endpoint(scope=SCAN, body=BatchIn, reply=BatchOut, body_limit=BATCH_LIMIT, counts_some=True)
    async def post(self, body: BatchIn) -> BatchOut:
        """Record what a gate decided without a line, or decide for a group, up to 500 items."""
        gate, now = await self.gate(), self.now()
        read = [_read(place, item) for place, item in enumerate(body.items)]
        prepared = [await self._prepared(each, gate) for each in read]
        items = [each for each in prepared if not isinstance(each, ItemResult)]
        bundle = None if body.bundle is None else f"{body.bundle.epoch}:{body.bundle.number}"
        timing = Timing(body.sent_at, now, bundle)
        done = iter(await self.rooms.admission.uploading.upload(items, timing))
        results = [each if isinstance(each, ItemResult) else next(done) for each in prepared]
        skew = body.sent_at - now
        return BatchOut(
            received_at=now,
            skew_ms=round(skew.total_seconds() * 1000),
            items=[
                _out(_nonce_in(raw), item, result)
                for raw, item, result in zip(body.items, read, results, strict=True)
            ],
        )

    async def _prepared(self, item: _ItemIn | Invalid, caller: Gate) -> Item | ItemResult:
        """The item as the domain sees it, or what is wrong with it."""
        if isinstance(item, Invalid):
            return ItemResult(Result.WRONG, error=item)
        try:
            return await self._item(item, self._gate_of(item, caller))
        except TooOften as error:
            return ItemResult(Result.LATER, error=error)
        except DomainError as error:
            return ItemResult(Result.WRONG, error=error)
        except Problem as problem:
            refused = Forbidden(problem.code, problem.text, problem.faults)
            return ItemResult(Result.WRONG, error=refused)

    async def _item(self, item: _ItemIn, gate: Gate) -> Item:
        if isinstance(item, ScanItemIn):
            return item.to_item(gate, await self.shown(item, gate))
        if isinstance(item, HandItemIn):
            return item.to_item(gate)
        return AnnulItem(gate, item.nonce, item.at)

    def _gate_of(self, item: _ItemIn, caller: Gate) -> Gate:
        """The gate at which it happened. Raises `Forbidden` for one that the caller does not speak
        for."""
        if item.gate is None or item.gate == caller.id:
            return caller
        named = self.rooms.admission.gates.get(item.gate)
        is_hub = _HUB in self.caller.scopes
        if named is None or named.spot_id != caller.spot_id or not is_hub:
            text = Text(
                "本设备不能代该闸机上传",
                f"only a hub of its spot speaks for gate {item.gate!r}",
            )
            raise Forbidden("gate_not_behind", text)
        return named


def _read(place: int, item: Any) -> _ItemIn | Invalid:
    """An item, or what is wrong with it, whatever it is."""
    where = f"body.items.{place}"
    kind = item.get("kind") if isinstance(item, dict) else None
    model = _KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        return _invalid([Fault(f"{where}.kind", f"write one of {', '.join(_KINDS)}")])
    try:
        return model.model_validate_json(to_json(item))
    except ValidationError as error:
        return _invalid([Fault(*each) for each in faults_of(error, where)])


def _invalid(faults: Sequence[Fault]) -> Invalid:
    return Invalid("item_invalid", Text("此项有误", "this item names something wrong"), faults)


def _nonce_in(item: Any) -> str | None:
    nonce = item.get("nonce") if isinstance(item, dict) else None
    return nonce[:LONGEST_CODE] if isinstance(nonce, str) else None


def _out(nonce: str | None, item: _ItemIn | Invalid, result: ItemResult) -> BatchItemOut:
    verdict = None
    if result.verdict is not None and isinstance(item, ScanItemIn):
        verdict = VerdictOut.of(result.verdict, result.held, item)
    return BatchItemOut(
        nonce=nonce,
        result=result.result,
        verdict=verdict,
        conflict=result.conflict,
        error=None if result.error is None else BatchErrorOut.of(result.error),
    )


routes = [Route("/api/v1/gate/scans/batch", BatchEndpoint, "gate-batch")]
