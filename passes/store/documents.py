"""Documents: domain values as MongoDB keeps them, and back.

Field names are those of the dataclasses. Instants are BSON dates, business days ISO text, sets sorted lists.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from pydantic import TypeAdapter

from passes.admission.gates import Gate
from passes.base.audit import AuditLine
from passes.holding.model import Pass
from passes.ledger.records import Record
from passes.ledger.verdicts import Refusal
from passes.offers.offer import Offer
from passes.people.visitors import Session, Visitor
from passes.store.database import Document
from passes.terms.product import Product

_PASS = TypeAdapter(Pass)
_PRODUCT = TypeAdapter(Product)
_OFFER = TypeAdapter(Offer)
_GATE = TypeAdapter(Gate)
_RECORD = TypeAdapter(Record)
_REFUSAL = TypeAdapter(Refusal)
_AUDIT_LINE = TypeAdapter(AuditLine)
_VISITOR = TypeAdapter(Visitor)
_SESSION = TypeAdapter(Session)


def encode(value: Any) -> Any:
    """A domain value as BSON can hold it."""
    if is_dataclass(value):
        return {f.name: encode(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, frozenset | tuple):
        return [encode(item) for item in (sorted(value) if isinstance(value, frozenset) else value)]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return value


def keyed(value: Any) -> Document:
    """The document of a value that has an `id`, which becomes `_id`."""
    document: Document = encode(value)
    return {"_id": document.pop("id"), **document}


def to_pass(document: Document) -> Pass:
    """The pass in a document of `passes`."""
    return _PASS.validate_python(_with_id(document))


def to_product(document: Document) -> Product:
    """The product in a document of `products`."""
    return _PRODUCT.validate_python(_with_id(document))


def to_offer(document: Document) -> Offer:
    """The offer in a document of `offers`."""
    return _OFFER.validate_python(_with_id(document))


def to_gate(document: Document) -> Gate:
    """The gate in a document of `gates`."""
    return _GATE.validate_python(_with_id(document))


def to_record(document: Document) -> Record:
    """The ledger record in a document of `admissions`."""
    return _RECORD.validate_python(document)


def to_refusal(document: Document) -> Refusal:
    """The refusal in a document of `refusals`."""
    return _REFUSAL.validate_python(document)


def to_audit_line(document: Document) -> AuditLine:
    """The line in a document of `audit_log`."""
    return _AUDIT_LINE.validate_python(document)


def to_visitor(document: Document) -> Visitor:
    """The visitor in a document of `users`."""
    return _VISITOR.validate_python(_with_id(document))


def to_session(document: Document) -> Session:
    """The session in a document of `sessions`."""
    return _SESSION.validate_python(_with_id(document))


def _with_id(document: Document) -> Document:
    return {"id": document["_id"], **document}
