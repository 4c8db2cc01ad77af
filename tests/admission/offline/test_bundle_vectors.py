"""The published vectors of bundles, as other people's gates read them."""

import json
import zlib
from base64 import b64decode
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from passes.admission.gates import GateKind, Purpose
from passes.admission.offline.alone import Alone, BundleTooOld, Known, Shown
from passes.admission.offline.bundle import (
    Bundle,
    BundleRefused,
    Version,
    check_follows,
    decode,
    digest_of,
    encode,
    opened,
)
from passes.admission.offline.cascade import decode as decode_filter
from passes.base.errors import DomainError
from passes.ledger.verdicts import Reason
from tests.support import build
from tests.support.vectors import read_vectors

FILE = read_vectors("bundle")
TRUSTED = {
    each["id"]: Ed25519PublicKey.from_public_bytes(b64decode(each["public"]))
    for each in FILE["trusted"]
}
BUNDLES = {each["name"]: each for each in FILE["bundles"]}
DECISIONS = {each["name"]: each for each in FILE["decisions"]}


def held(vector: Any) -> dict[str, bytes]:
    parts = [b64decode(each) for each in vector["held"]]
    return {digest_of(raw): raw for raw in parts}


def taken(vector: Any) -> Bundle:
    """The bundle of a vector, as a gate takes it. Raises `BundleRefused`."""
    bundle = opened(decode(b64decode(vector["raw"]), TRUSTED, held(vector)))
    newest = vector["newest"]
    check_follows(bundle, vector["spot"], Version(**newest) if newest else None)
    return bundle


@pytest.mark.parametrize("name", BUNDLES)
def test_a_gate_takes_what_is_good_and_says_why_it_does_not(name: str) -> None:
    vector = BUNDLES[name]
    if vector["refused"] is None:
        taken(vector)
        return
    with pytest.raises(BundleRefused) as refused:
        taken(vector)
    assert refused.value.why.value == vector["refused"]


@pytest.mark.parametrize("name", [name for name, each in BUNDLES.items() if "holds" in each])
def test_the_parts_hold_what_they_say(name: str) -> None:
    vector = BUNDLES[name]
    package = decode(b64decode(vector["raw"]), TRUSTED)
    parts = {each: zlib.decompress(raw) for each, raw in package.parts.items() if each != "filter"}
    assert {each: json.loads(raw) for each, raw in parts.items()} == vector["holds"]


def test_what_is_left_out_of_a_delta_is_what_the_gate_has() -> None:
    whole, delta = BUNDLES["usual"], BUNDLES["a delta"]
    have = held(delta)
    assert encode(decode(b64decode(whole["raw"]), TRUSTED), have) == b64decode(delta["raw"])


@pytest.mark.parametrize("number", range(len(FILE["filters"])))
def test_a_filter_answers_for_every_serial(number: int) -> None:
    vector = FILE["filters"][number]
    cascade = decode_filter(b64decode(vector["raw"]))
    answers = {each["serial"]: cascade.refuses(each["serial"]) for each in vector["questions"]}
    assert answers == {each["serial"]: each["refused"] for each in vector["questions"]}


def decided(vector: Any) -> dict[str, Any]:
    gate = replace(build.gate(GateKind(vector["kind"])), id=vector["gate"])
    alone = Alone(taken(BUNDLES[vector["bundle"]]), gate)
    purpose = Purpose(vector["purpose"])
    shown = Shown(vector["text"], vector["party"], purpose, vector["free"])
    known = [to_known(each) for each in vector["known"]]
    try:
        verdict = alone.decide(shown, known, datetime.fromisoformat(vector["now"])).verdict
    except BundleTooOld:
        return {"error": "too_old"}
    except DomainError as error:
        return {"error": error.code}
    told = {name: getattr(verdict, name) for name in ("admits", "pays", "amount_fen")}
    more = {name: getattr(verdict, name) for name in ("check_identity", "category", "leaving")}
    return {"reason": verdict.reason.value, **told, **more, "free": dict(verdict.free)}


def to_known(written: dict[str, Any]) -> Known:
    at, kind = datetime.fromisoformat(written["at"]), Purpose(written["kind"])
    others = {name: each for name, each in written.items() if name not in {"at", "kind", "gate"}}
    return Known(at=at, kind=kind, gate_id=written["gate"], **others)


@pytest.mark.parametrize("name", DECISIONS)
def test_a_gate_decides_alone_as_the_vector_says(name: str) -> None:
    assert decided(DECISIONS[name]) == DECISIONS[name]["verdict"]


def test_there_are_enough_decisions_and_each_reason_is_among_them() -> None:
    assert len(DECISIONS) == len(FILE["decisions"]) >= 60
    reasons = {each["verdict"].get("reason") for each in DECISIONS.values()}
    only_by_the_server = {
        Reason.CODE_UNKNOWN,  # nobody else knows what was issued; else it is a reason in `refuse`,
        Reason.FROZEN,  # as these are
        Reason.FROZEN_BY_STAFF,
        Reason.REFUNDED,
        Reason.NOT_ACTIVATED,
        Reason.CHECK_IDENTITY,
        Reason.QUOTA_USED_UP,
        Reason.NO_PASS,
        Reason.CARRIER_UNAVAILABLE,
        Reason.CARRIER_UNKNOWN,
        Reason.ERROR,
    }
    assert reasons - {None} == {each.value for each in Reason} - only_by_the_server
