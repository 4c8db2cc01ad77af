"""Companions and devices over HTTP: a family on one phone, and a phone that is lost."""

from datetime import date, timedelta
from typing import Any

from passes.admission.gates import GateKind, Reader
from passes.ledger.verdicts import Reason
from passes.offers.offer import Quota
from passes.people.identity import DocumentKind, Identity
from passes.people.sessions import ACCESS_TOKENS_END
from passes.terms.terms import Coverage
from server.auth import ACCESS_LIFE
from tests.support import build
from tests.support.api import Api
from tests.support.build import OPERATOR, PRIVACY_VERSION
from tests.support.fields import assert_fields
from tests.support.replies import assert_problem
from tests.support.visitors import put_identity, token_of
from tests.support.world import Clock, World

COMPANIONS, CODES, SHOWN_BY = (
    "/api/v1/me/companions",
    "/api/v1/me/companion-codes",
    "/api/v1/me/shown-by",
)
SPOTS = (build.EMEISHAN, build.XIANNVSHAN, "qingchengshan-qianshan")


def person(name: str, born: date, n: int) -> Identity:
    """Somebody of a fictitious family."""
    return Identity(name, build.id_number(f"110101{born:%Y%m%d}{n:03}"), born)


MOTHER, FATHER = build.person(0), build.person(1)
CHILD = person("测试童", date(2018, 3, 7), 2)
YOUTH = person("测试青", date(2011, 3, 7), 2)
GRANDMOTHER = Identity("TEST PO", "12AB34567", date(1950, 3, 7), DocumentKind.PASSPORT, "FRA")
CHILD_IN = {"name": CHILD.name, "id_number": CHILD.number}


async def known(api: Api, name: str, identity: Identity) -> str:
    """The token of somebody who has said who they are."""
    token = await token_of(api, name)
    said = {"name": identity.name, "id_number": identity.number}
    answer = await put_identity(api, token, **said)
    assert answer.status == 200, answer.body
    return token


async def made(api: Api, path: str, body: Any, token: str) -> Any:
    """What a POST has made."""
    answer = await api.post(path, body, token)
    assert answer.status == 201, answer.body
    return answer.json


async def confirmed(api: Api, token: str, giver: str) -> Any:
    """One account says the code of another."""
    code = await made(api, CODES, {"consent_version": PRIVACY_VERSION}, giver)
    return await made(api, COMPANIONS, {"code": code["code"]}, token)


async def passes_on(api: Api, token: str) -> dict[str, Any]:
    """The passes that a phone shows, by id."""
    answer = await api.get("/api/v1/passes", token)
    return {each["id"]: each for each in answer.json["items"]}


async def shown_at(api: Api, world: World, pass_id: str, phone: str, gate: str) -> Any:
    """The verdict of a gate on what a phone shows."""
    code = await api.get(f"/api/v1/passes/{pass_id}/code", phone)
    assert code.status == 200, code.body
    body = {"code": code.json["text"], "nonce": f"n{world.clock():%d%H%M}{pass_id}"}
    answer = await api.post(
        "/api/v1/gate/scans", body | {"scanned_at": world.clock().isoformat()}, gate
    )
    return answer.json


async def shows_card(api: Api, world: World, identity: Identity, gate: str) -> Any:
    """The verdict of a gate that has read somebody's ID card, or passport."""
    document = {"kind": identity.kind, "number": identity.number}
    if identity.country is not None:
        document["country"] = identity.country
    body = {"document": document, "nonce": f"c{world.clock():%d%H%M}"}
    answer = await api.post(
        "/api/v1/gate/scans", body | {"scanned_at": world.clock().isoformat()}, gate
    )
    assert answer.status == 200, answer.body
    return answer.json


async def test_a_family_of_five_comes_to_three_spots_on_one_phone(
    api: Api, world: World, clock: Clock
) -> None:
    """Two adults, children of 8 and 15, and a grandmother with a passport and no phone."""
    await world.publish(coverage=Coverage(spots=frozenset(SPOTS)))
    family = [MOTHER, FATHER, CHILD, YOUTH, GRANDMOTHER]
    held = [await world.issue("other", each) for each in family]

    # 1. Who agrees: the guardian, the father and the youth by a code, the grandmother to staff.
    mother = await known(api, "母", MOTHER)
    father, youth = await known(api, "父", FATHER), await known(api, "青", YOUTH)
    of_child = await made(
        api, COMPANIONS, {"child": CHILD_IN, "consent_version": PRIVACY_VERSION}, mother
    )
    assert_fields(of_child, basis="guardian", ends_on="2032-03-07", stands=True, name_mask="测**")
    assert_fields(await confirmed(api, mother, father), basis="confirmed", ends_on=None)
    await confirmed(api, mother, youth)
    account = build.SEALER.lookup(MOTHER.number)
    await world.system.people.accompanying.show_to_staff(account, GRANDMOTHER, OPERATOR, clock())
    phone = await passes_on(api, mother)
    assert set(phone) == {each.id for each in held}
    companions = (await api.get(COMPANIONS, mother)).json
    assert_fields(companions, total=4, most=5)

    # 2. Staff look once at those whose name and number were said; then turnstiles open for all.
    for n, spot in enumerate(SPOTS[:2]):
        clock.time += timedelta(days=1)
        mother = await token_of(api, "母")
        _, turnstile = await world.gate(spot)
        _, handheld = await world.gate(spot, GateKind.HANDHELD)
        for each in held:
            said = each is not held[4]
            if n == 0 and said:
                refused = await shown_at(api, world, each.id, mother, turnstile)
                assert_fields(refused, reason=Reason.CHECK_IDENTITY)
            clock.time += timedelta(minutes=1)
            gate = handheld if n == 0 and said else turnstile
            verdict = await shown_at(api, world, each.id, mother, gate)
            assert_fields(verdict, verdict="admitted", admits=1)
        await passes_on(api, mother)

    # 3. At the third spot each shows their own card, the grandmother her passport; the same again
    #    is told by whose pass they came.
    clock.time += timedelta(days=1)
    mother, youth = [await token_of(api, name) for name in ("母", "青")]
    _, turnstile = await world.gate(SPOTS[2], readers=frozenset({Reader.ID_CARD}))
    for each, identity in zip(held, family, strict=True):
        clock.time += timedelta(minutes=1)
        verdict = await shows_card(api, world, identity, turnstile)
        assert_fields(verdict, verdict="admitted", admits=1)
        assert verdict["pass"]["id"] == each.id
    clock.time += timedelta(minutes=1)
    again = await shows_card(api, world, GRANDMOTHER, turnstile)
    assert_fields(again, reason=Reason.ALREADY_TODAY)
    assert again["pass"]["id"] == held[4].id

    # 4. Where somebody was is their own business, but for a child's guardian.
    paths = {each.id: f"/api/v1/passes/{each.id}/admissions" for each in held}
    assert (await api.get(paths[held[2].id], mother)).json["total"] == 3
    assert_problem(await api.get(paths[held[3].id], mother), 403, "visits_of_companion")
    assert (await api.get(paths[held[3].id], youth)).json["total"] == 3

    # 5. A printed code by the number of a card, for whoever has no phone with them.
    lookup = {"id_number": GRANDMOTHER.number, "kind": "passport", "country": "FRA"}
    found = (await api.post("/api/v1/gate/lookup", lookup, handheld)).json["items"]
    assert [each["pass"]["id"] for each in found] == [held[4].id]


async def test_what_an_account_may_do_for_a_companion(api: Api, world: World) -> None:
    mother = await known(api, "母", MOTHER)
    await world.publish_offers(build.offer(quota=Quota(total=5, per_person=1), with_pass=True))
    held = await world.issue(person=CHILD)
    body = {"child": CHILD_IN, "consent_version": PRIVACY_VERSION}
    companion = (await made(api, COMPANIONS, body, mother))["id"]
    for step, state in (("freeze", "frozen"), ("unfreeze", "active")):
        answer = await api.post(f"/api/v1/passes/{held.id}/{step}", {}, mother)
        assert_fields(answer.json, state=state, companion=companion)
    chances = await api.get(f"/api/v1/me/offers?companion={companion}", mother)
    assert chances.json["items"][0]["claimable"]
    voucher = await made(api, "/api/v1/offers/bogo/claim", {"companion": companion}, mother)
    own = await made(api, "/api/v1/offers/bogo/claim", {}, mother)
    assert_fields(
        voucher,
        companion=companion,
        holder_mask=f"测** {CHILD.number[:3]}***********{CHILD.number[-4:]}",
    )
    assert own["companion"] is None
    back = await api.post(f"/api/v1/passes/{voucher['id']}/cancel", {}, mother)
    assert_fields(back.json, state="revoked", companion=companion)
    me = (await api.get("/api/v1/me", mother)).json
    assert me["companions"][0]["identity"]["id_number"] == CHILD.number
    assert [each["id"] for each in me["passes"]] == [own["id"]]

    ended = await api.delete(f"{COMPANIONS}/{companion}", mother)
    assert ended.json == {"ended": companion}
    for method, path in (("GET", "code"), ("POST", "freeze"), ("POST", "reissue")):
        body_sent = b"{}" if method == "POST" else None
        answer = await api.send(method, f"/api/v1/passes/{held.id}/{path}", body_sent, mother, {})
        assert_problem(answer, 404, "pass_unknown")
    for path in (f"{COMPANIONS}/{companion}", f"{SHOWN_BY}/{companion}"):
        assert_problem(await api.delete(path, mother), 404, "companion_unknown")
    gone = await api.post("/api/v1/offers/bogo/claim", {"companion": companion}, mother)
    assert_problem(gone, 404, "companion_unknown")


async def test_neither_a_code_nor_a_child_or_both_are_refused(api: Api) -> None:
    mother = await known(api, "母", MOTHER)
    for body in ({}, {"code": "1", "child": CHILD_IN}):
        assert_problem(await api.post(COMPANIONS, body, mother), 422, "companion_needed")


async def test_a_person_sees_who_shows_them_and_takes_it_back(api: Api, world: World) -> None:
    mother, youth = await known(api, "母", MOTHER), await known(api, "青", YOUTH)
    held = await world.issue(person=YOUTH)
    companion = await confirmed(api, mother, youth)
    (shown_by,) = (await api.get(SHOWN_BY, youth)).json["items"]
    assert_fields(shown_by, id=companion["id"], name_mask="测**", stands=True)
    assert (await api.get("/api/v1/me", youth)).json["shown_by"] == [shown_by]
    kept = await api.get(f"/api/v1/passes/{held.id}/code", mother)
    back = await api.delete(f"{SHOWN_BY}/{companion['id']}", youth)
    (reissued,) = back.json["reissued"]
    assert list(await passes_on(api, youth)) == [reissued]
    assert await passes_on(api, mother) == {}
    _, gate = await world.gate(kind=GateKind.HANDHELD)
    scan = world.scan_body(held, "a", kept.json["text"])
    refused = await api.post("/api/v1/gate/scans", scan, gate)
    assert_fields(refused.json, verdict="refused", reason=Reason.REVOKED)


async def test_a_lost_phone_is_signed_out_at_once_and_its_codes_are_ended(
    api: Api, world: World
) -> None:
    assert ACCESS_TOKENS_END > ACCESS_LIFE
    here = await known(api, "母", MOTHER)
    lost = (await api.post("/api/v1/session", {"code": "sandbox:母", "device": "旧手机"})).json
    held = await world.issue(person=MOTHER)
    kept = await api.get(f"/api/v1/passes/{held.id}/code", lost["access_token"])
    devices = (await api.get("/api/v1/me/devices", here)).json["items"]
    (device,) = [each for each in devices if each["device"] == "旧手机"]
    assert not device["here"]
    for _ in range(2):
        ended = await api.delete(f"/api/v1/me/devices/{device['id']}", here)
        assert ended.json == {
            "ended": device["id"],
            "keys_until": "2026-07-07",
            "passes": [held.id],
        }
    for path, token in (("/api/v1/passes", "access_token"), ("/api/v1/me", "access_token")):
        assert_problem(await api.get(path, lost[token]), 401, "session_ended")
    refresh = await api.post("/api/v1/session/refresh", token=lost["refresh_token"])
    assert_problem(refresh, 401, "session_ended")
    assert_problem(await api.delete("/api/v1/me/devices/x", here), 404, "device_unknown")

    again = [await api.post(f"/api/v1/passes/{held.id}/reissue", {}, here) for _ in range(2)]
    assert again[0].json["id"] == again[1].json["id"]
    _, gate = await world.gate(kind=GateKind.HANDHELD)
    old = await api.post("/api/v1/gate/scans", world.scan_body(held, "a", kept.json["text"]), gate)
    assert_fields(old.json, verdict="refused", reason=Reason.REVOKED)
    new = await shown_at(api, world, again[0].json["id"], here, gate)
    assert_fields(new, verdict="admitted")


async def test_ended_devices_are_forgotten_when_their_tokens_end_anyway(
    api: Api, world: World, clock: Clock
) -> None:
    visitor, _ = await world.visitor("v0")
    begin, end = (
        world.system.people.signing_in.begin,
        world.system.people.signing_in.end_device,
    )
    for _ in range(3):
        session = await begin(visitor, clock())
        current = await world.system.people.accounts.current(visitor)
        await end(current, session.id, clock())
        clock.time += ACCESS_TOKENS_END + timedelta(seconds=1)
    kept = await world.system.people.accounts.current(visitor)
    assert list(kept.ended_sessions) == [session.id]


async def test_a_phone_gets_no_keys_for_the_days_after_a_child_has_grown_up(
    api: Api, world: World
) -> None:
    born = build.TODAY.replace(year=build.TODAY.year - 14) + timedelta(days=3)
    child = person("测试童", born, 4)
    held = await world.issue("annual", child)
    phone = await known(api, "母", MOTHER)
    said = {"name": child.name, "id_number": child.number}
    await made(api, COMPANIONS, {"child": said, "consent_version": PRIVACY_VERSION}, phone)
    code = await api.get(f"/api/v1/passes/{held.id}/code", phone)
    last_day = f"{build.TODAY + timedelta(days=2)}"
    assert code.json["keys_until"] == last_day
    assert [each["day"] for each in code.json["day_keys"]][2:] == [last_day]
