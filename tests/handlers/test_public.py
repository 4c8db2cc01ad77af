"""What everybody may ask: the catalogue, the products, health; and how errors look."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tornado.ioloop import IOLoop

from handlers.services import Services
from passes.base.errors import Unavailable
from passes.base.text import Text
from tests.support.api import Api
from tests.support.build import EMEISHAN
from tests.support.fields import assert_fields
from tests.support.replies import assert_problem
from tests.support.world import SOME_SPOTS, World


async def test_spots_come_page_by_page(api: Api) -> None:
    first = await api.get("/api/v1/spots?limit=20")
    second = await api.get("/api/v1/spots?limit=20&page=2")
    assert first.json["total"] == 33
    assert second.json["total"] == 33
    ids = [spot["id"] for spot in first.json["items"] + second.json["items"]]
    whole = sorted((spot.level is None, spot.id) for spot in SOME_SPOTS)
    assert ids == [slug for _, slug in whole], "parts after the spots of the level of their whole"


async def test_a_spot_tells_all_that_is_known(api: Api) -> None:
    spot = (await api.get(f"/api/v1/spots/{EMEISHAN}")).json
    assert spot["name"] == {"zh": "峨眉山景区", "en": "Mount Emei"}
    assert_fields(spot, province="sichuan", city="乐山市", district="峨眉山市")
    assert spot["position"] == {
        "lng": 103.444,
        "lat": 29.567,
        "coord": "wgs84",
        "precision": "spot",
        "note": None,
    }
    assert spot["price"] == {"peak_fen": 16000, "off_peak_fen": 11000}
    assert spot["open_hours"] is None
    assert spot["confidence"]["price"] == "medium"


@pytest.mark.parametrize("path", ["/api/v1/spots", f"/api/v1/spots/{EMEISHAN}"])
async def test_what_has_not_changed_is_not_sent_again(api: Api, world: World, path: str) -> None:
    first = await api.get(path)
    again = await api.get(path, If_None_Match=first.headers["Etag"])
    assert again.status == 304
    assert again.body == b""
    assert again.headers["Etag"] == first.headers["Etag"]
    before = {spot.id: spot for spot in world.system.catalogue.snapshot.all()}
    changed = before[EMEISHAN].model_copy(update={"open_hours": "06:00-18:00"})
    assert await world.system.catalogue.replace([*(before | {EMEISHAN: changed}).values()])
    await world.system.base.versions.bump("spots")
    await world.services.refresh()
    anew = await api.get(path, If_None_Match=first.headers["Etag"])
    assert anew.status == 200
    assert anew.headers["Etag"] != first.headers["Etag"]


async def test_products_say_which_spots_they_open(api: Api) -> None:
    (annual,) = (await api.get("/api/v1/products")).json["items"]
    assert annual["id"] == "annual"
    assert annual["spots"] == [EMEISHAN, "wulong-xiannvshan"]
    assert annual["days"] == 365
    assert annual["limits"]["per_spot_day"] == 1


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("/api/v1/spots?limit=101", ["query.limit"]),
        ("/api/v1/spots?limit=0&page=-1", ["query.page", "query.limit"]),
        ("/api/v1/spots?page=one", ["query.page"]),
        ("/api/v1/spots?page=", ["query.page"]),
        ("/api/v1/spots?page=3", ["query.page"]),
        ("/api/v1/spots?page=99999999999999999999999999", ["query.page"]),
        ("/api/v1/spots?page=1&page=2", ["query.page"]),
        ("/api/v1/spots?colour=red", ["query.colour"]),
        ("/api/v1/products?page=1", ["query.page"]),
        (f"/api/v1/spots/{EMEISHAN}?x=1", ["query.x"]),
    ],
)
async def test_a_wrong_parameter_is_named(api: Api, path: str, where: list[str]) -> None:
    answer = await api.get(path)
    assert_problem(answer, 422, "query_invalid")
    assert [error["where"] for error in answer.json["errors"]] == where


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/spots/nowhere", 404, "spot_unknown"),
        ("GET", "/api/v1/spots/%E5%B3%A8", 404, "spot_unknown"),
        ("GET", "/api/v1/spots/%FF", 400, "bad_request"),
        ("GET", "/api/v1/spots?page=%FF", 400, "bad_request"),
        ("GET", "/", 404, "not_found"),
        ("POST", "/api/v1/nothing", 404, "not_found"),
        ("DELETE", "/api/v1/spots", 405, "method_not_allowed"),
        ("PATCH", "/api/v1/spots", 405, "method_not_allowed"),
        ("GET", "/api/v1/gate/scans", 405, "method_not_allowed"),
        ("POST", "/api/v1/gate/scans", 401, "token_missing"),
        ("GET", "/api/v1/passes/1/code", 401, "token_missing"),
    ],
)
async def test_a_problem(api: Api, method: str, path: str, status: int, code: str) -> None:
    answer = await api.send(method, path, b"{}" if method == "POST" else None, None, {})
    assert answer.status == status
    assert answer.json["status"] == status
    assert answer.json["code"] == code
    assert answer.headers["Content-Type"] == "application/problem+json; charset=utf-8"
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    assert ("Allow" in answer.headers) is (status == 405)
    assert ("WWW-Authenticate" in answer.headers) is (status == 401)


async def test_a_problem_speaks_chinese_unless_english_is_asked_for(api: Api) -> None:
    chinese = await api.get("/api/v1/spots/nowhere")
    assert chinese.json["detail"] == "没有这个景区：nowhere"
    english = await api.get("/api/v1/spots/nowhere", Accept_Language="en-GB,en;q=0.9")
    assert english.json["detail"] == "there is no spot 'nowhere'"


@pytest.mark.parametrize(
    ("given", "kept"),
    [("gate-7-0001", True), ("short", False), ("x" * 65, False), ("a b c d e f", False)],
)
async def test_a_request_id_is_taken_if_it_is_sound(api: Api, given: str, kept: bool) -> None:
    answer = await api.get("/healthz", X_Request_Id=given)
    assert (answer.headers["X-Request-Id"] == given) is kept


async def test_health_and_readiness(api: Api, services: Services) -> None:
    for path in ("/healthz", "/readyz"):
        answer = await api.get(path)
        assert answer.json == {"status": "ok", "sandbox": True}
    services.in_flight.draining = True
    stopping = await api.get("/readyz")
    assert_problem(stopping, 503, "stopping")
    still_alive = await api.get("/healthz")
    assert still_alive.status == 200


async def test_while_the_database_is_away_the_catalogue_goes_on(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, (_, token) = await world.issue(), await world.gate()

    async def away(*_: object) -> None:
        raise Unavailable("database_unavailable", Text("", "the database does not answer"))

    monkeypatch.setattr("server.mongo.MongoCollection.get", away)
    catalogue = await api.get("/api/v1/spots")
    assert catalogue.status == 200
    answer = await api.post("/api/v1/gate/scans", world.scan_body(held, "a"), token)
    assert answer.status == 503
    assert answer.json["code"] == "database_unavailable"
    assert answer.headers["Retry-After"] == "2"


async def test_a_fault_of_ours_tells_the_caller_nothing(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def faulty(*_: object) -> None:
        raise RuntimeError("secret detail")

    held, (_, token) = await world.issue(), await world.gate()
    monkeypatch.setattr("passes.admission.admitting.Admission.admit", faulty)
    answer = await api.post("/api/v1/gate/scans", world.scan_body(held, "a"), token)
    assert_problem(answer, 500, "internal_error")
    assert b"secret" not in answer.body
    assert "secret detail" in caplog.text


def in_an_address(character: str) -> str:
    return character if character.isprintable() else f"%{ord(character):02X}"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(st.text(st.characters(codec="ascii", exclude_characters="\r\n \t#\\"), max_size=60))
def test_any_address_gives_a_reply_or_a_problem(io_loop: IOLoop, api: Api, tail: str) -> None:
    path = "/api/v1/spots" + "".join(map(in_an_address, tail))

    async def ask() -> None:
        answer = await api.get(path)
        assert answer.status in {200, 400, 404, 422}, (path, answer.body)
        json.loads(answer.body)

    io_loop.run_sync(ask)


@pytest.mark.parametrize("path", ["/api/v1/spots", "/healthz", f"/api/v1/spots/{EMEISHAN}"])
async def test_head_is_get_without_its_content(api: Api, path: str) -> None:
    got, head = await api.get(path), await api.send("HEAD", path, None, None, {})
    assert head.status == 200
    assert head.body == b""
    assert head.headers["Content-Length"] == str(len(got.body))
    assert head.headers.get("Etag") == got.headers.get("Etag")
    of_a_post = await api.send("HEAD", "/api/v1/gate/scans", None, None, {})
    assert of_a_post.status == 405


@pytest.mark.parametrize(
    ("method", "body"), [("HEAD", None), ("OPTIONS", None), ("PATCH", b""), ("PUT", b"")]
)
async def test_nothing_is_not_found_by_any_method(
    api: Api, method: str, body: bytes | None
) -> None:
    answer = await api.send(method, "/api/v1/nothing", body, None, {})
    assert answer.status == 404


@pytest.mark.parametrize("length", ["1" * 5000, "9" * 18, "abc", "-1", "+5", "0x10", "", "1, 1"])
async def test_no_content_length_is_a_fault_of_ours(api: Api, length: str) -> None:
    for request in ("POST /api/v1/gate/enrol", "GET /api/v1/spots"):
        head = f"{request} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\nx"
        reply = await api.raw(head.encode())
        assert reply.startswith(b"HTTP/1.1 4"), reply
