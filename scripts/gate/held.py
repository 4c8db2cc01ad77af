"""The bundle of a device: fetched in parts, checked, kept in the journal, and decided by."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from passes.admission.gates import Gate, GateKind, GateState, Purpose
from passes.admission.offline.alone import Alone, BundleTooOld, Decided, Known, Shown
from passes.admission.offline.bundle import (
    Bundle,
    BundleRefused,
    Package,
    Refusal,
    check_follows,
    decode,
    digest_of,
    encode,
    opened,
)
from passes.admission.offline.flat import State, public_of
from passes.admission.reading import read
from passes.base.calendar import business_day
from passes.base.text import Text
from passes.codes.format import Code
from passes.terms.prices import Payment
from scripts.gate.answers import answer_of
from scripts.gate.client import Call, Client, document_of
from scripts.gate.enrolment import Enrolment
from scripts.gate.journal import Entry, Journal, Name

_SECONDS = 30.0
_JUST_MADE = timedelta(minutes=1)
"""Before a bundle was made; what was decided then may have been stored too late for it."""
_SAME = timedelta(seconds=2)
"""By how much two clocks tell an admission differently."""

_NO_BUNDLE = Text(
    "没有离线数据，请先联网",
    "there is no bundle to decide by: the gate has to reach the server once",
)


class Undecided(Exception):
    """There is no verdict, and nothing opens. `code` is stable, `words` are for staff."""

    def __init__(self, code: str, words: Text) -> None:
        """The code of a problem, and its words."""
        super().__init__(words.en)
        self.code = code
        self.words = words


class Held:
    """The newest bundle that this device has, if it has one."""

    def __init__(self, enrolment: Enrolment) -> None:
        """The bundle keys that came with the enrolment are those that are trusted first."""
        self._enrolment = enrolment
        self._package: Package | None = None
        self._alone: dict[str, Alone] = {}
        self._states: Mapping[str, State] = {}
        self.bundle: Bundle | None = None

    @property
    def etag(self) -> str | None:
        """What names exactly this bundle."""
        return None if self._package is None else self._package.etag

    @property
    def version(self) -> dict[str, Any] | None:
        """By which bundle is decided, as uploads tell it."""
        if self.bundle is None:
            return None
        return asdict(self.bundle.version)

    @property
    def about(self) -> dict[str, Any] | None:
        """The same, and how old it is, as heartbeats tell it."""
        if self.bundle is None:
            return None
        return {**asdict(self.bundle.version), "made_at": self.bundle.made_at.isoformat()}

    @property
    def stopped_until(self) -> datetime | None:
        """Until when entry is stopped at the spot, if it is."""
        stop = None if self.bundle is None else self.bundle.rules.stop
        return None if stop is None else stop.until

    # Fetching and keeping.

    async def restore(self, journal: Journal) -> None:
        """Take up the bundle that an earlier run has kept, if it can still be read."""
        kept = journal.settings().get("bundle")
        if kept is None:
            return
        head, parts = bytes.fromhex(kept["head"]), await journal.parts()
        try:
            await self._take(head, parts)
        except BundleRefused:
            return  # a newer program may read it no more: the next one comes with the line

    async def refresh(self, client: Client, journal: Journal) -> bool:
        """Fetch the newest bundle; whether there was a newer one.

        Raises `NoAnswer`, `Refused`, `NotKept`, and `BundleRefused` for one that cannot be taken.
        """
        parts = self._parts()
        reply = await client.send(self._call(parts))
        if reply.code == HTTPStatus.NOT_MODIFIED:
            return False
        if reply.code != HTTPStatus.OK:
            document_of(reply)
        try:
            await self._take(reply.body, parts)
        except BundleRefused as error:
            if error.why not in {Refusal.MISSING_PART, Refusal.DAMAGED_PART} or not parts:
                raise
            reply = await client.send(self._call({}))
            await self._take(reply.body, {})
        held = self._parts()
        assert self._package is not None  # noqa: S101 - it was just taken
        await journal.keep_bundle(encode(self._package, held), held)
        return True

    def _call(self, parts: Mapping[str, bytes]) -> Call:
        path = "/gate/bundle"
        if not parts or self.etag is None:
            return Call("GET", path, seconds=_SECONDS)
        headers = {"If-None-Match": f'"{self.etag}"'}
        return Call("GET", f"{path}?have={','.join(parts)}", headers=headers, seconds=_SECONDS)

    async def _take(self, raw: bytes, held: Mapping[str, bytes]) -> None:
        """Hold the bundle in some bytes. Raises `BundleRefused`."""
        package = decode(raw, self._trusted(), held)
        bundle = await asyncio.to_thread(opened, package)  # a big one takes a while
        newest = None if self.bundle is None else self.bundle.version
        check_follows(bundle, self._enrolment.spot_id, newest)
        self._package, self.bundle = package, bundle
        self._alone, self._states = {}, bundle.states()

    def _trusted(self) -> dict[int, Ed25519PublicKey]:
        """Those that came with the enrolment, and those that a bundle of theirs has named since."""
        pinned = {each["id"]: public_of(each["public"]) for each in self._enrolment.bundle_keys}
        return {**pinned, **({} if self.bundle is None else self.bundle.bundle_keys)}

    def _parts(self) -> dict[str, bytes]:
        """The bytes of each part, by its short digest."""
        if self._package is None:
            return {}
        return {digest_of(part): part for part in self._package.parts.values()}

    # For a hub.

    def gate_of(self, token_digest: str) -> str | None:
        """The gate of the spot whose token has this SHA-256."""
        if self.bundle is None:
            return None
        return next((row.id for row in self.bundle.gates if row.token == token_digest), None)

    def without(self, have: frozenset[str]) -> bytes:
        """The bundle as the server signed it, without the parts that somebody has."""
        assert self._package is not None  # noqa: S101 - who has an ETag has a package
        return encode(self._package, have)

    # Deciding.

    def decide(
        self, gate_id: str, body: Mapping[str, Any], entries: Sequence[Entry], at: datetime
    ) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """The answer to the scan of a code, in the words of the API, and the entry to remember.

        `entries` is what is remembered of the pass. Raises `Undecided`, and `DomainError` for what
        makes no sense at this gate.
        """
        if self.bundle is None:
            raise Undecided("no_bundle", _NO_BUNDLE)
        shown = Shown(body["code"], body.get("party"), _purpose(body), body.get("free") or {})
        known = [known_of(each.entry) for each in entries if not self._has(each)]
        try:
            decided = self._alone_at(gate_id).decide(shown, known, at)
        except BundleTooOld as error:
            raise Undecided(
                "bundle_too_old", Text(f"离线数据不可用：{error}", str(error))
            ) from None
        entry = None if decided.entry is None else known_to(decided.entry)
        return answer_of(decided, self._title(decided), body, at), entry

    def entry_of(
        self, name: Name, body: Mapping[str, Any], answer: Mapping[str, Any], at: datetime
    ) -> dict[str, Any] | None:
        """What is to be remembered of an answer that somebody else gave: the server, or a gate that
        decided alone. None if nothing was granted, or nobody knows to which pass."""
        if answer["reason"] != "ok":
            return None
        code = self._code_in(body, at)
        told = answer.get("pass") or {}
        serial = told.get("id") or (code and code.pass_id)
        if not serial:
            return None
        room, payers = self._party_of(code, at)
        known = Known(
            serial=serial,
            at=at,
            kind=_purpose(body),
            people=answer["admits"] - sum((answer.get("free") or {}).values()),
            room=max(room, answer["admits"]),
            payers=payers,
            paid=answer["pays"],
            step=None if code is None else code.step,
            gate_id=name.gate,
            party=body.get("party"),
            free=answer.get("category"),
        )
        return known_to(known)

    def entry_by_hand(
        self, name: Name, body: Mapping[str, Any], at: datetime
    ) -> dict[str, Any] | None:
        """What is to be remembered of people whom staff have let in; None without a pass. They are
        so many as staff say, so no second reading is meant by it."""
        told = {"reason": "ok", "admits": body["people"], "pays": 0}
        held = {} if body.get("pass_id") is None else {"pass": {"id": body["pass_id"]}}
        return self.entry_of(name, {**body, "party": body["people"]}, {**told, **held}, at)

    def _has(self, entry: Entry) -> bool:
        """Whether the bundle holds what is remembered: it was made after the server knew of it. Of
        the last minute before, the newest visit in it says whether it was in time."""
        assert self.bundle is not None  # noqa: S101 - asked while deciding
        if entry.settled_at is None or entry.settled_at >= self.bundle.made_at:
            return False
        if self.bundle.made_at - entry.settled_at > _JUST_MADE:
            return True
        known = known_of(entry.entry)
        state = self._states.get(known.serial)
        last_at = None if state is None else state.last_at
        return last_at is not None and known.at <= last_at + _SAME

    def _alone_at(self, gate_id: str) -> Alone:
        """What decides at one gate."""
        assert self.bundle is not None  # noqa: S101 - asked while deciding
        if gate_id not in self._alone:
            self._alone[gate_id] = Alone(self.bundle, self._gate(gate_id))
        return self._alone[gate_id]

    def is_staffed(self, gate_id: str) -> bool:
        """Whether somebody stands at a gate."""
        return self._gate(gate_id).kind.staffed

    def _gate(self, gate_id: str) -> Gate:
        """A gate of the spot, as the bundle knows it; else as it has enrolled."""
        rows = () if self.bundle is None else self.bundle.gates
        row = next((row for row in rows if row.id == gate_id), None)
        kind = GateKind(self._enrolment.kind) if row is None else row.kind
        state = GateState.ENROLLED if row is None else row.state
        return Gate(gate_id, self._enrolment.spot_id, kind, "", state)

    def _title(self, decided: Decided) -> Mapping[str, Any] | None:
        """What is known of the pass of a code."""
        assert self.bundle is not None  # noqa: S101 - asked while deciding
        if decided.code is None:
            return None
        edition = self.bundle.rules.editions.get(decided.code.product_number)
        if edition is None:
            return None
        title = {"zh": edition.title.zh, "en": edition.title.en}
        about = {"product": edition.product_id, "title": title}
        return {"id": decided.code.pass_id, **about, "category": None, "holder_mask": ""}

    def _code_in(self, body: Mapping[str, Any], at: datetime) -> Code | None:
        """What the code of a scan says, whatever is wrong with it by now."""
        if self.bundle is None or body.get("code") is None:
            return None
        return read(body["code"], self.bundle.keys, at).code

    def _party_of(self, code: Code | None, at: datetime) -> tuple[int, int]:
        """How many people a pass lets in here on a visit, and how many of them pay."""
        if self.bundle is None or code is None:
            return 1, 0
        rules = self.bundle.rules
        edition, index = rules.editions.get(code.product_number), rules.index_of(business_day(at))
        if edition is None or index is None or not edition.days:
            return code.party, 0
        party = edition.days[index].party
        return party.admits, party.pays if edition.payment is Payment.AT_WINDOW else 0


def known_to(known: Known) -> dict[str, Any]:
    """As the journal keeps it."""
    return {**asdict(known), "at": known.at.isoformat(), "kind": known.kind.value}


def known_of(kept: Mapping[str, Any]) -> Known:
    """What was kept so."""
    at, kind = datetime.fromisoformat(kept["at"]), Purpose(kept["kind"])
    return Known(**{**kept, "at": at, "kind": kind})


def _purpose(body: Mapping[str, Any]) -> Purpose:
    return Purpose.LEAVE if body.get("leaving") else Purpose(body.get("purpose") or "enter")
