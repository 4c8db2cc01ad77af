"""Cards and carriers over HTTP: who may send them, how often, and what is told."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from passes.admission.gates import GateKind, Reader
from passes.ledger.verdicts import Reason
from passes.store.indexes import INDEXES
from server.limits import RATES
from server.mongo import Mongo
from tests.support import build
from tests.support.api import Answer, Api
from tests.support.build import HOLDER
from tests.support.fields import assert_fields
from tests.support.replies import assert_problem
from tests.support.verdicts import assert_admitted, assert_refused
from tests.support.world import World

SCANS = "/api/v1/gate/scans"
CARD = {"kind": "resident", "number": HOLDER.number}
NOBODY = build.person(7)
BOTH = frozenset(Reader)


async def shown(api: Api, token: str, nonce: str = "a", **what: Any) -> Answer:
    """The answer to a scan of whatever is given."""
    body = {"nonce": nonce, "scanned_at": build.NOW.isoformat(), **what}
    return await api.post(SCANS, body, token, Accept_Language="en")


def carrier(token: str) -> dict[str, str]:
    return {"kind": "social_security", "token": token}


async def test_a_turnstile_with_a_reader_lets_a_card_in(api: Api, world: World) -> None:
    held = await world.issue(person=HOLDER)
    _, token = await world.gate(readers=BOTH)
    answer = await shown(api, token, document=CARD, read="chip")
    assert_admitted(answer, check_identity=False)
    assert_fields(answer.json["pass"], id=held.id, title={"zh": "年票", "en": "annual pass"})
    annulled = await api.post(f"{SCANS}/a/annul", token=token)
    assert annulled.json["pass_id"] == held.id
    again = await shown(api, token, "b", carrier=carrier(f"sandbox:{HOLDER.number}"))
    assert_admitted(again)


@pytest.mark.parametrize("what", [{"document": CARD}, {"carrier": carrier("sandbox:1")}])
async def test_a_gate_without_a_reader_may_send_no_card(
    api: Api, world: World, what: dict[str, Any]
) -> None:
    _, token = await world.gate(kind=GateKind.WINDOW)
    answer = await shown(api, token, **what)
    assert_problem(answer, 403, "scope_missing")


async def test_a_reader_comes_with_the_next_token(api: Api, world: World) -> None:
    gate, _ = await world.gate()
    keeping = world.system.admission.gate_keeping
    new = await keeping.renew(gate.id, build.OPERATOR, world.clock(), frozenset({Reader.ID_CARD}))
    enrolled = await api.post("/api/v1/gate/enrol", {"setup_code": new.setup_code})
    assert_refused(await shown(api, enrolled.json["token"], document=CARD), Reason.NO_PASS)
    again = await keeping.renew(gate.id, build.OPERATOR, world.clock())
    assert again.gate.readers == {Reader.ID_CARD}, "kept, if no other is named"


WRONG: Mapping[str, tuple[dict[str, Any], str]] = {
    "neither": ({}, "body"),
    "code and document": ({"code": "BP1:X", "document": CARD}, "body"),
    "document and carrier": ({"document": CARD, "carrier": carrier("x")}, "body"),
    "no kind": ({"document": {"number": HOLDER.number}}, "body.document.kind"),
    "another kind": ({"document": CARD | {"kind": "library"}}, "body.document.kind"),
    "no number": ({"document": CARD | {"number": ""}}, "body.document.number"),
    "a name": ({"document": CARD | {"name": HOLDER.name}}, "body.document.name"),
    "read by nobody": ({"document": CARD, "read": "guessed"}, "body.read"),
    "a carrier of no kind": ({"carrier": carrier("x") | {"kind": "A b"}}, "body.carrier.kind"),
}


@pytest.mark.parametrize(("what", "where"), WRONG.values(), ids=WRONG)
async def test_what_is_wrong_is_named_and_leaves_nothing(
    api: Api, world: World, mongo: Mongo, what: dict[str, Any], where: str
) -> None:
    _, token = await world.gate(readers=BOTH)
    answer = await shown(api, token, **what)
    assert_problem(answer, 422, "body_invalid")
    assert [error["where"] for error in answer.json["errors"]] == [where]
    assert HOLDER.number not in answer.body.decode()
    assert await mongo.collection("cards_in_vain").find({}) == []


async def test_a_number_that_cannot_be_one_is_told_without_it(api: Api, world: World) -> None:
    _, token = await world.gate(readers=BOTH)
    number = HOLDER.number[:-1] + "3"
    answer = await shown(api, token, document=CARD | {"number": number})
    assert_problem(answer, 422, "identity_invalid")
    assert number not in answer.body.decode()


async def test_numbers_are_typed_at_staffed_gates_alone(api: Api, world: World) -> None:
    await world.issue(person=HOLDER)
    _, turnstile = await world.gate(readers=BOTH)
    _, window = await world.gate(kind=GateKind.WINDOW, readers=BOTH)
    refused = await shown(api, turnstile, document=CARD, read="typed")
    assert_problem(refused, 403, "card_typed")
    assert_admitted(await shown(api, window, document=CARD, read="typed"), check_identity=True)


@pytest.mark.parametrize(
    ("read", "limit"), [("chip", "card"), ("mrz", "card"), ("typed", "lookup")]
)
async def test_a_gate_reads_only_so_many_cards(
    api: Api, world: World, read: str, limit: str
) -> None:
    _, token = await world.gate(kind=GateKind.WINDOW, readers=BOTH)
    rate, _ = RATES[limit]
    assert rate is not None
    what = {"document": CARD | {"number": NOBODY.number}, "read": read}
    for n in range(rate.burst):
        assert_refused(await shown(api, token, f"n{n}", **what), Reason.NO_PASS)
    assert_problem(await shown(api, token, "more", **what), 429, "too_often")
    code = await shown(api, token, "code", code="BP1:X")
    assert_refused(code, Reason.CODE_MALFORMED)


CARRIERS: Mapping[str, tuple[str, Reason]] = {
    "not known": ("nonsense", Reason.CARRIER_UNKNOWN),
    "no answer": ("sandbox:status:503", Reason.CARRIER_UNAVAILABLE),
    "not allowed": ("sandbox:status:401", Reason.CARRIER_UNAVAILABLE),
    "of a document that cannot be": ("sandbox:123", Reason.CARRIER_UNAVAILABLE),
    "of nobody here": (f"sandbox:{NOBODY.number}", Reason.NO_PASS),
}


@pytest.mark.parametrize(("token", "reason"), CARRIERS.values(), ids=CARRIERS)
async def test_a_carrier_that_is_not_resolved_is_refused_and_not_kept(
    api: Api, world: World, mongo: Mongo, token: str, reason: Reason
) -> None:
    _, gate = await world.gate(readers=BOTH)
    answer = await shown(api, gate, carrier=carrier(token))
    assert_refused(answer, reason)
    assert answer.json["pass"] is None
    assert await mongo.collection("refusals").find({}) == []


async def test_a_carrier_whose_token_is_spent_is_answered_as_before(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.issue(person=HOLDER)
    _, gate = await world.gate(readers=BOTH)
    spent = carrier(f"sandbox:{HOLDER.number}")
    first = await shown(api, gate, carrier=spent)
    assert_admitted(first)
    refused = await shown(api, gate, "b", carrier=spent)
    assert_refused(refused, Reason.REPEAT)

    async def unknown(kind: str, token: str) -> None:
        pass

    monkeypatch.setattr(world.system.admission.cards._carriers, "resolve", unknown)
    for nonce, answer in (("a", first), ("b", refused)):
        again = await shown(api, gate, nonce, carrier=spent)
        assert again.json == answer.json
    other = await shown(api, gate, "c", carrier=spent)
    assert_refused(other, Reason.CARRIER_UNKNOWN)
    assert_problem(await shown(api, gate, carrier=carrier("another")), 409, "nonce_reused")
    await api.post(f"{SCANS}/a/annul", token=gate)
    assert_problem(await shown(api, gate, carrier=spent), 409, "scan_annulled")


async def test_no_number_stands_in_what_is_answered_stored_or_logged(
    api: Api, world: World, mongo: Mongo, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    held = await world.issue(person=HOLDER)
    _, token = await world.gate(kind=GateKind.WINDOW, readers=BOTH)
    answers = []
    for n, number in enumerate((HOLDER.number, NOBODY.number)):
        for read in ("chip", "typed"):
            what = CARD | {"number": number}
            answers.append(await shown(api, token, f"{read}{n}", document=what, read=read))
        answers.append(await shown(api, token, f"{n}", carrier=carrier(f"sandbox:{number}")))
        answers.append(await shown(api, token, f"x{n}", document=CARD | {"number": number + "0"}))
    told = "".join(answer.body.decode() for answer in answers) + caplog.text
    kept = {name: await mongo.collection(name).find({}) for name in INDEXES}
    all_of_it = told + json.dumps(kept, default=str)
    assert held.id in all_of_it
    for secret in (
        HOLDER.number,
        NOBODY.number,
        build.SEALER.lookup(NOBODY.number),
    ):
        assert secret not in all_of_it
