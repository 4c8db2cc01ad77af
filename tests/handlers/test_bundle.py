"""`GET /api/v1/gate/bundle`: what a gate gets, and what it need not get again."""

from base64 import b64decode
from datetime import timedelta
from hashlib import sha256

import pytest

from passes.admission.gates import GateKind
from passes.admission.offline.alone import Alone, Shown
from passes.admission.offline.bundle import Bundle, Package, decode, digest_of, opened
from passes.holding.lifecycle import Step
from passes.holding.shown_code import live_text
from passes.ledger.verdicts import Reason
from scenic_data.model import Status
from tests.support.api import Api
from tests.support.build import EMEISHAN, KEYS, OPERATOR
from tests.support.bundles import TRUSTED
from tests.support.replies import assert_problem
from tests.support.world import World

BUNDLE = "/api/v1/gate/bundle"


async def fetched(api: Api, token: str) -> Package:
    answer = await api.get(BUNDLE, token)
    assert answer.status == 200
    return decode(answer.body, TRUSTED)


async def bundle_of(api: Api, token: str) -> Bundle:
    return opened(await fetched(api, token))


async def test_a_gate_decides_by_the_bundle_that_it_fetches(api: Api, world: World) -> None:
    gate, token = await world.gate()
    held = await world.issue()
    bundle = await bundle_of(api, token)
    shown = Shown(live_text(held, KEYS, world.clock()))
    assert Alone(bundle, gate).decide(shown, (), world.clock()).verdict.admitted
    await api.post("/api/v1/gate/scans", world.scan_body(held, "a"), token)
    world.clock.time += timedelta(minutes=1)
    bundle = await bundle_of(api, token)
    shown = Shown(live_text(held, KEYS, world.clock()))
    verdict = Alone(bundle, gate).decide(shown, (), world.clock()).verdict
    assert verdict.reason is Reason.ALREADY_TODAY


async def test_a_revoked_pass_is_refused_with_its_reason(api: Api, world: World) -> None:
    _, token = await world.gate()
    held = await world.issue()
    await bundle_of(api, token)
    await world.system.holding.lifecycle.take(held.id, Step.REVOKE, OPERATOR, world.clock())
    world.clock.time += timedelta(minutes=1)
    bundle = await bundle_of(api, token)
    assert bundle.changes.refuse == {held.id: Reason.REVOKED}


async def test_what_is_the_same_is_not_sent_again(api: Api, world: World) -> None:
    _, token = await world.gate()
    first = await api.get(BUNDLE, token)
    assert first.headers["Cache-Control"] == "no-store"
    assert "Content-Encoding" not in first.headers
    world.clock.time += timedelta(minutes=30)
    again = await api.get(BUNDLE, token, If_None_Match=first.headers["Etag"])
    assert (again.status, again.body) == (304, b"")
    world.clock.time += timedelta(hours=1)  # no gate lets its bundle grow old
    later = await api.get(BUNDLE, token, If_None_Match=first.headers["Etag"])
    assert later.status == 200


async def test_parts_that_the_gate_has_are_left_out(api: Api, world: World) -> None:
    _, token = await world.gate()
    package = await fetched(api, token)
    have = {digest_of(raw): raw for raw in package.parts.values()}
    delta = await api.get(f"{BUNDLE}?have={','.join(have)}", token)
    assert decode(delta.body, TRUSTED, have) == package
    assert len(delta.body) < len(package.manifest) + 100


async def test_a_change_is_in_the_next_bundle_at_once(api: Api, world: World) -> None:
    _, token = await world.gate()
    await bundle_of(api, token)
    await world.change_spot(EMEISHAN, status=Status.CLOSED)
    bundle = await bundle_of(api, token)
    edition = next(iter(bundle.rules.editions.values()))
    assert {kind.admits for kind in edition.days} == {Reason.SPOT_CLOSED}


async def test_a_hub_knows_the_gates_of_its_spot_by_their_tokens(api: Api, world: World) -> None:
    gate, token = await world.gate(kind=GateKind.HANDHELD)
    rows = {row.id: row for row in (await bundle_of(api, token)).gates}
    assert rows[gate.id].token == sha256(token.encode()).hexdigest()
    assert rows[gate.id].kind is GateKind.HANDHELD


async def test_a_gate_pins_the_keys_of_bundles_when_it_enrols(api: Api, world: World) -> None:
    new = await world.system.admission.gate_keeping.add(
        EMEISHAN, GateKind.TURNSTILE, "", OPERATOR, world.clock()
    )
    answer = await api.post("/api/v1/gate/enrol", {"setup_code": new.setup_code})
    (key,) = answer.json["bundle_keys"]
    assert key["id"] == 1
    assert b64decode(key["public"]) == TRUSTED[1].public_bytes_raw()


@pytest.mark.parametrize("have", ["", "abc", "A" * 16, "a" * 16 + ",", "g" * 16])
async def test_what_names_no_parts_is_refused(api: Api, world: World, have: str) -> None:
    answer = await api.get(f"{BUNDLE}?have={have}", await world.any_gate())
    assert_problem(answer, 422, "query_invalid")


async def test_a_gate_out_of_service_gets_no_keys(api: Api, world: World) -> None:
    gate, token = await world.gate()
    await world.system.admission.gate_keeping.disable(gate.id, OPERATOR, world.clock())
    await world.system.admission.gates.load()
    assert_problem(await api.get(BUNDLE, token), 409, "gate_disabled")
