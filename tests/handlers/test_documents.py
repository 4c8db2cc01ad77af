"""Every request that the protocols show is sent as it stands there, and answered in that shape.

Commands of documents are run by `tests/process/test_documents.py`.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from passes.admission.gates import GateKind, Reader
from passes.offers.offer import Quota
from passes.people.identity import DocumentKind, Identity
from passes.terms.validity import Term
from tests.support import build, documented
from tests.support.api import Answer, Api
from tests.support.documented import Example
from tests.support.processes import PROJECT
from tests.support.verdicts import assert_admitted
from tests.support.world import World

DOCS = PROJECT / "docs"
GATE, MINI = DOCS / "gate-protocol.md", DOCS / "mini-program.md"
PHONE = DOCS / "phone-protocol.md"
PASSPORT = Identity("TEST A", "12AB34567", build.HOLDER.born, DocumentKind.PASSPORT, "FRA")


class Caller:
    """Sends the examples of a document, with what it has instead of what they leave open."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.token: str | None = None
        self.of_path: dict[str, str] = {}
        self.sent: set[str] = set()

    async def send(self, example: Example, body: Any = None, **instead: Any) -> Answer:
        """The answer to an example, which has to have the status that is shown."""
        path = example.path
        for placeholder, value in self.of_path.items():
            path = path.replace(placeholder, value)
        if not path.startswith("/api/v1"):
            path = f"/api/v1{path}"
        self.sent.add(f"{example.method} {example.path}")
        content = None
        if example.method != "GET":
            content = documented_json((body or {}) | instead)
        answer = await self.api.send(example.method, path, content, self.token, {})
        assert answer.status == (example.status or 200), answer.body.decode()
        return answer


def documented_json(body: Mapping[str, Any]) -> bytes:
    """A body of an example as it is sent. Nothing in it may be left open any more."""
    assert documented.ANY not in body.values(), body
    return json.dumps(body).encode()


def assert_as_shown(example: Example, answer: Answer) -> None:
    """The answer has the fields and kinds of values that the document shows."""
    assert list(documented.differences(example.reply, answer.json)) == []


def shown_in(document: Path) -> dict[str, Example]:
    """The examples of a document by method and path."""
    return {f"{each.method} {each.path}": each for each in documented.examples(document)}


ITEMS = [
    documented.parsed(line)
    for block in documented.blocks(GATE)
    for line in block.splitlines()
    if line.startswith('{"kind": ')
]
"""The items of an upload that the gate protocol shows."""


async def test_the_gate_protocol_is_as_it_shows(api: Api, world: World) -> None:
    enrol, scan, annul, lookup, card, *decisions = documented.examples(GATE)
    annulment, stop, resume, by_hand, undo, not_them, emergency, upload, *fleet, bundle = decisions
    new = await world.system.admission.gate_keeping.add(
        build.EMEISHAN, GateKind.HANDHELD, "", build.OPERATOR, world.clock(), frozenset(Reader)
    )
    held = await world.issue(person=build.HOLDER)
    caller = Caller(api)

    enrolled = await caller.send(enrol, enrol.bodies[0], setup_code=new.setup_code)
    assert_as_shown(enrol, enrolled)
    caller.token = enrolled.json["token"]
    verdict = await caller.send(scan, scan.bodies[0], code=world.live(held))
    assert verdict.json["verdict"] == scan.reply["verdict"]
    assert_as_shown(scan, verdict)
    caller.of_path["{nonce}"] = verdict.json["nonce"]
    assert_as_shown(annul, await caller.send(annul))
    by_card, by_passport = lookup.bodies
    assert_as_shown(lookup, await caller.send(lookup, by_card))
    await world.issue(person=PASSPORT)
    assert_as_shown(lookup, await caller.send(lookup, by_passport))
    by_chip, by_mrz, by_carrier = card.bodies
    assert_admitted(await caller.send(card, by_chip))
    assert_admitted(await caller.send(card, by_mrz))
    token = f"sandbox:{build.person(7).number}"
    no_pass = await caller.send(card, by_carrier, carrier=by_carrier["carrier"] | {"token": token})
    assert_as_shown(card, no_pass)
    assert no_pass.json["reason"] == card.reply["reason"]
    await caller.send(scan, scan.bodies[0], code=world.live(held), nonce="in-again")
    assert_as_shown(annulment, await caller.send(annulment, annulment.bodies[0], pass_id=held.id))
    until = (world.clock() + timedelta(hours=4)).isoformat()
    assert_as_shown(stop, await caller.send(stop, stop.bodies[0], until=until))
    assert_as_shown(resume, await caller.send(resume, resume.bodies[0]))
    in_hand = await caller.send(by_hand, by_hand.bodies[0], pass_id=held.id)
    assert_as_shown(by_hand, in_hand)
    caller.of_path["{nonce}"] = by_hand.bodies[0]["nonce"]
    assert_as_shown(undo, await caller.send(undo))
    await caller.send(scan, scan.bodies[0], code=world.live(held), nonce="not-them")
    assert_as_shown(not_them, await caller.send(not_them, not_them.bodies[0], pass_id=held.id))
    opened = await caller.send(emergency, emergency.bodies[0], until=until)
    assert_as_shown(emergency, opened)
    assert (await caller.send(bundle)).body.startswith(b"BPB1")
    items = [each | {"code": world.live(held)} if "decided" in each else each for each in ITEMS]
    uploaded = await caller.send(upload, upload.bodies[0], items=items)
    assert_as_shown(upload, uploaded)
    results = [item["result"] for item in uploaded.json["items"]]
    assert results == ["recorded", "refused", "recorded", "recorded", "recorded"]
    heartbeat, me, renew = fleet
    beat = await caller.send(heartbeat, heartbeat.bodies[0])
    assert beat.json["commands"].pop("stop") is not None
    assert_as_shown(heartbeat, await caller.send(heartbeat, heartbeat.bodies[0]))
    assert_as_shown(me, await caller.send(me))
    assert_as_shown(renew, await caller.send(renew, renew.bodies[0]))
    assert caller.sent == set(shown_in(GATE))


async def test_the_mini_program_guide_is_as_it_shows(api: Api, world: World) -> None:
    shown = shown_in(MINI)
    await world.publish_offers(build.offer(quota=Quota(total=5)))
    await world.publish(term=Term(days=10, activate_within=30))
    caller = Caller(api)

    async def send(name: str, **instead: Any) -> Any:
        example = shown[name]
        body = example.bodies[0] if example.bodies else None
        answer = await caller.send(example, body, **instead)
        assert_as_shown(example, answer)
        return answer.json

    session = await send("POST /session", code="sandbox:甲")
    caller.token = session["refresh_token"]
    renewed = await send("POST /session/refresh")
    assert renewed.keys() == session.keys(), "the same fields"
    caller.token = renewed["access_token"]
    await send("PUT /me/identity")
    await send("POST /me/phone", code="sandbox:甲")
    caller.of_path["{id}"] = "bogo"
    voucher = await send("POST /offers/{id}/claim")
    await send("GET /me/offers")
    caller.of_path["{id}"] = voucher["id"]
    await send("POST /passes/{id}/cancel")
    held = await world.issue("other", build.HOLDER)
    caller.of_path["{id}"] = "other"
    await send("GET /products/{id}")
    caller.of_path["{id}"] = held.id
    await send("GET /passes")
    for name in ("activate", "freeze", "unfreeze"):
        await send(f"POST /passes/{{id}}/{name}")
    await send("GET /passes/{id}/admissions")
    await send("POST /passes/{id}/reissue")

    await send("POST /me/companions")
    other, _ = await world.visitor("another account")
    said = build.statement(build.person(9))
    other = await world.system.people.identification.identify(other, said, world.clock())
    accompanying = world.system.people.accompanying
    theirs = await accompanying.make_code(other, build.PRIVACY_VERSION, world.clock())
    by_code = shown["POST /me/companions"].bodies[1]
    added = await caller.send(shown["POST /me/companions"], by_code, code=theirs.code)
    caller.of_path["{id}"] = added.json["id"]
    await send("GET /me/companions")
    await send("DELETE /me/companions/{id}")
    code = await send("POST /me/companion-codes")
    shown_by = await accompanying.confirm(other, code["code"], world.clock())
    caller.of_path["{id}"] = shown_by.id
    await send("GET /me/shown-by")
    await send("DELETE /me/shown-by/{id}")
    devices = await send("GET /me/devices")
    caller.of_path["{id}"] = devices["items"][0]["id"]
    await send("DELETE /me/devices/{id}")
    assert caller.sent == set(shown)


async def test_the_phone_protocol_is_as_it_shows(api: Api, world: World) -> None:
    (code,) = documented.examples(PHONE)
    held = await world.issue(person=build.person(0))
    caller = Caller(api)
    caller.token = await world.known(0)
    caller.of_path["{id}"] = held.id
    assert_as_shown(code, await caller.send(code))
