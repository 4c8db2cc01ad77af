"""Documents: domain values as MongoDB keeps them, and back.

Field names are those of the dataclasses (docs/data-model.md). Instants are BSON dates, business
days ISO text, sets sorted lists. A pass names its edition by product and version instead of holding
it.
"""

from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from datetime import date, datetime, time
from enum import Enum
from types import NoneType
from typing import Any

from pydantic import TypeAdapter

from passes.admission.cases import CaseFile
from passes.admission.gates import Gate
from passes.admission.heartbeats import Heartbeat
from passes.admission.offline.conflict import ConflictFile
from passes.admission.stop import Stop
from passes.base.audit import AuditLine
from passes.base.stored import stored_fields
from passes.codes.keys import KeyUse
from passes.codes.ports import Process
from passes.holding.model import Pass
from passes.ledger.records import Record
from passes.ledger.verdicts import Refusal
from passes.offers.offer import Offer
from passes.people.barring import Bar
from passes.people.companions import CompanionCode, Companionship
from passes.people.visitors import Session, Visitor
from passes.rights.requests import Request
from passes.store.binding import (
    companion_place,
    guardian_place,
    holder_place,
    identity_place,
    read_at,
)
from passes.store.database import Document
from passes.terms.amendments import Amendment
from passes.terms.edition import Edition
from passes.terms.holidays import HolidayYear
from passes.terms.spot_withdrawals import SpotWithdrawal
from passes.terms.terms import Terms
from passes.terms.withdrawing import Withdrawal

_PASS = TypeAdapter(Pass)
_EDITION = TypeAdapter(Edition)
_TERMS = TypeAdapter(Terms)
_AMENDMENT = TypeAdapter(Amendment)
_WITHDRAWAL = TypeAdapter(Withdrawal)
_SPOT_WITHDRAWAL = TypeAdapter(SpotWithdrawal)
_HOLIDAY_YEAR = TypeAdapter(HolidayYear)
_OFFER = TypeAdapter(Offer)
_GATE = TypeAdapter(Gate)
_HEARTBEAT = TypeAdapter(Heartbeat)
_KEY_USE = TypeAdapter(KeyUse)
_PROCESS = TypeAdapter(Process)
_STOP = TypeAdapter(Stop)
_CASE = TypeAdapter(CaseFile)
_CONFLICT = TypeAdapter(ConflictFile)
_RECORD = TypeAdapter(Record)
_REFUSAL = TypeAdapter(Refusal)
_AUDIT_LINE = TypeAdapter(AuditLine)
_VISITOR = TypeAdapter(Visitor)
_BAR = TypeAdapter(Bar)
_SESSION = TypeAdapter(Session)
_COMPANIONSHIP = TypeAdapter(Companionship)
_COMPANION_CODE = TypeAdapter(CompanionCode)
_REQUEST = TypeAdapter(Request)


def encode(value: Any) -> Any:
    """A domain value as BSON can hold it."""
    kind = type(value)
    encoder = _encoder_of.get(kind)
    if encoder is None:
        encoder = _encoder_of[kind] = _encoder_for(kind)
    return encoder(value)


_encoder_of: dict[type, Callable[[Any], Any]] = {}
"""How values of a class are encoded: worked out once for each class."""


def _encoder_for(kind: type) -> Callable[[Any], Any]:
    if is_dataclass(kind):
        names = tuple(part.name for part in stored_fields(kind))
        return lambda value: {name: _encoded_part(getattr(value, name)) for name in names}
    for known, encoder in _ENCODERS:
        if issubclass(kind, known):
            return encoder
    return _as_it_is


def _encoded_part(value: Any) -> Any:
    """A field of a value. Most need nothing, and a record has thirty."""
    return value if type(value) in _AS_THEY_ARE else encode(value)


def _as_it_is(value: Any) -> Any:
    return value


_AS_THEY_ARE = frozenset({str, int, bool, NoneType, datetime})


_ENCODERS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (Enum, lambda value: value.value),
    (datetime, _as_it_is),
    (date, date.isoformat),
    (time, time.isoformat),
    (Mapping, lambda value: {key: encode(item) for key, item in value.items()}),
    (frozenset, lambda value: [encode(item) for item in sorted(value)]),
    (tuple, lambda value: [encode(item) for item in value]),
)
"""The first class that fits decides: an enumeration of strings is no plain string, and an instant
is no business day."""


def part_at(document: Document, path: str) -> Any:
    """What stands at a dotted path of a document, or None."""
    found: Any = document
    for name in path.split("."):
        found = (found or {}).get(name)
    return found


def keyed(value: Any) -> Document:
    """The document of a value that has an `id`, which becomes `_id`."""
    document: Document = encode(value)
    return {"_id": document.pop("id"), **document}


def from_pass(held: Pass) -> Document:
    """The document of a pass in `passes`."""
    document: Document = {"_id": held.id, "product_id": held.edition.product_id}
    document["version"] = held.edition.version
    for part in stored_fields(held):
        if part.name not in {"id", "edition"}:
            document[part.name] = encode(getattr(held, part.name))
    return document


def to_pass(document: Document, edition: Edition, *, genuine: bool) -> Pass:
    """The pass in a document of `passes`, with the edition that it names, and whether the document
    is as we stored it."""
    pass_id = document["_id"]
    holder = read_at(document["holder"], holder_place(pass_id))
    return _PASS.validate_python(
        {
            **document,
            "id": pass_id,
            "edition": edition,
            "holder": holder,
            "genuine": genuine,
        }
    )


def from_edition(edition: Edition) -> Document:
    """The document of an edition in `editions`."""
    document: Document = encode(edition)
    return {"_id": f"{edition.product_id}:{edition.version}", **document}


def to_edition(document: Document) -> Edition:
    """The edition in a document of `editions`."""
    return _EDITION.validate_python(document)


def to_terms(document: Document) -> Terms:
    """The terms in a part of a document of `editions`, and of `passes` and `products` before."""
    return _TERMS.validate_python(document)


def to_amendment(document: Document) -> Amendment:
    """The amendment in a document of `amendments`."""
    return _AMENDMENT.validate_python(document)


def to_withdrawal(document: Document) -> Withdrawal:
    """The withdrawal in a document of `withdrawals`."""
    return _WITHDRAWAL.validate_python({"product_id": document["_id"], **document})


def to_spot_withdrawal(document: Document) -> SpotWithdrawal:
    """The withdrawal in a document of `spot_withdrawals`."""
    return _SPOT_WITHDRAWAL.validate_python(document)


def to_holiday_year(document: Document) -> HolidayYear:
    """The year in a document of `holidays`."""
    return _HOLIDAY_YEAR.validate_python({"year": document["_id"], **document})


def to_offer(document: Document) -> Offer:
    """The offer in a document of `offers`."""
    return _OFFER.validate_python(_with_id(document))


def to_gate(document: Document) -> Gate:
    """The gate in a document of `gates`."""
    return _GATE.validate_python(_with_id(document))


def to_heartbeat(document: Document) -> Heartbeat:
    """The heartbeat in a document of `heartbeats`."""
    return _HEARTBEAT.validate_python(_with_id(document))


def to_key_use(document: Document) -> KeyUse:
    """What is decided about a key, in a document of `signing_keys`."""
    return _KEY_USE.validate_python(_with_id(document))


def to_process(document: Document) -> Process:
    """The process in a document of `processes`."""
    return _PROCESS.validate_python(_with_id(document))


def to_stop(document: Document) -> Stop:
    """The stop in a document of `stops`."""
    return _STOP.validate_python(_with_id(document))


def to_case(document: Document) -> CaseFile:
    """The case in a document of `cases`."""
    return _CASE.validate_python(_with_id(document))


def to_conflict(document: Document) -> ConflictFile:
    """The conflict in a document of `conflicts`."""
    return _CONFLICT.validate_python(_with_id(document))


def to_record(document: Document) -> Record:
    """The ledger record in a document of `admissions`.

    Schema 1 did not keep when a record was stored, which was when it counts.
    """
    return _RECORD.validate_python({"recorded_at": document["at"], **document})


def to_refusal(document: Document) -> Refusal:
    """The refusal in a document of `refusals`."""
    return _REFUSAL.validate_python(document)


def to_audit_line(document: Document) -> AuditLine:
    """The line in a document of `audit_log`."""
    return _AUDIT_LINE.validate_python(document)


def to_bar(document: Document) -> Bar:
    """The bar in a document of `bars`."""
    return _BAR.validate_python(_with_id(document))


def to_visitor(document: Document) -> Visitor:
    """The visitor in a document of `users`."""
    visitor_id, consent = document["_id"], document.get("consent")
    if consent is not None:
        guardian = read_at(consent.get("guardian"), guardian_place(visitor_id))
        consent = {**consent, "guardian": guardian}
    identity = read_at(document.get("identity"), identity_place(visitor_id))
    return _VISITOR.validate_python(
        {**_with_id(document), "identity": identity, "consent": consent}
    )


def to_session(document: Document) -> Session:
    """The session in a document of `sessions`."""
    return _SESSION.validate_python(_with_id(document))


def to_companionship(document: Document) -> Companionship:
    """The companionship in a document of `companions`."""
    person = read_at(document["person"], companion_place(document["_id"]))
    return _COMPANIONSHIP.validate_python({**document, "person": person})


def to_companion_code(document: Document) -> CompanionCode:
    """The code in a document of `companion_codes`."""
    return _COMPANION_CODE.validate_python({**document, "visitor_id": document["_id"]})


def to_request(document: Document) -> Request:
    """The request in a document of `requests`."""
    return _REQUEST.validate_python(_with_id(document))


def _with_id(document: Document) -> Document:
    return {"id": document["_id"], **document}
