"""The code of a pass over HTTP, as text and as pictures that a real decoder reads."""

import base64
import io
import random
import re
import string
import sys
from datetime import date, timedelta

import pytest
from PIL import Image, ImageDraw

from handlers.holding.pictures import PNG, SVG, PictureKind, qr_picture
from passes.codes.format import read, rotate, to_text
from server.auth import PASS_LIFE, Tokens
from tests.support.api import Api
from tests.support.build import KEYS, NOW, TODAY
from tests.support.pictures import assert_shows
from tests.support.replies import assert_problem
from tests.support.world import Clock, World

TOKENS = Tokens({1: bytes(32)})


async def test_a_phone_gets_all_it_needs_for_a_week_offline(api: Api, world: World) -> None:
    held = await world.issue()
    answer = await api.get(f"/api/v1/passes/{held.id}/code", TOKENS.for_pass(held.id, NOW))
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    code = answer.json
    assert code["text"] == world.live(held)
    assert code["step_seconds"] == 30
    assert code["server_time"] == "2026-07-01T02:00:00Z"
    assert [date.fromisoformat(key["day"]) for key in code["day_keys"]] == [
        TODAY + timedelta(days=n) for n in range(7)
    ]
    signed = base64.b64decode(code["signed"])
    for n, day_key in enumerate(code["day_keys"]):
        later = NOW + timedelta(days=n, minutes=7)
        text = to_text(rotate(signed, base64.b64decode(day_key["key"]), later))
        assert read(text, KEYS, later).pass_id == held.id


async def test_the_png_is_read_by_a_real_decoder_also_when_blurred(api: Api, world: World) -> None:
    held = await world.issue()
    answer = await api.get(f"/api/v1/passes/{held.id}/qr.png", TOKENS.for_pass(held.id, NOW))
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "image/png"
    picture = Image.open(io.BytesIO(answer.body)).convert("L")
    assert picture.size == ((41 + 8) * 8,) * 2, "version 6: 41 modules, and the quiet zone"
    assert_shows(picture, world.live(held))


async def test_the_svg_draws_the_same_symbol(api: Api, world: World) -> None:
    held = await world.issue()
    answer = await api.get(f"/api/v1/passes/{held.id}/qr.svg", TOKENS.for_pass(held.id, NOW))
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert_shows(painted(answer.body.decode()), world.live(held))


def painted(svg: str) -> Image.Image:
    """The rectangles of the path, eight pixels a module."""
    picture = Image.new("L", ((41 + 8) * 8,) * 2, 255)
    draw = ImageDraw.Draw(picture)
    for found in re.finditer(r"M(\d+),(\d+)h(\d+)v1h-\3z", svg):
        x, y, width = map(int, found.groups())
        draw.rectangle((x * 8, y * 8, (x + width) * 8 - 1, y * 8 + 7), 0)
    return picture


@pytest.mark.parametrize("view", ["code", "qr.png", "qr.svg"])
async def test_a_pass_is_shown_to_the_holder_of_its_token_alone(
    api: Api, world: World, clock: Clock, view: str
) -> None:
    mine, other = await world.issue(), await world.issue()
    token = TOKENS.for_pass(mine.id, NOW)
    own = await api.get(f"/api/v1/passes/{mine.id}/{view}", token)
    assert own.status == 200
    for pass_id in (other.id, "0" * 16, "$ne"):
        answer = await api.get(f"/api/v1/passes/{pass_id}/{view}", token)
        assert_problem(answer, 404, "pass_unknown")
    _, gate_token = await world.gate()
    by_a_gate = await api.get(f"/api/v1/passes/{mine.id}/{view}", gate_token)
    assert_problem(by_a_gate, 401, "token_invalid")
    clock.time += PASS_LIFE
    expired = await api.get(f"/api/v1/passes/{mine.id}/{view}", token)
    assert_problem(expired, 401, "token_expired")


async def test_the_holder_sees_where_the_pass_was_used(api: Api, world: World) -> None:
    held, (_, gate_token) = await world.issue(), await world.gate()
    token = TOKENS.for_pass(held.id, NOW)
    await api.post("/api/v1/gate/scans", world.scan_body(held, "a"), gate_token)
    await api.post("/api/v1/gate/scans/a/annul", token=gate_token)
    await api.post("/api/v1/gate/scans", world.scan_body(held, "b"), gate_token)
    visits = (await api.get(f"/api/v1/passes/{held.id}/admissions", token)).json
    assert visits == {
        "total": 1,
        "items": [
            {
                "pass_id": held.id,
                "spot": "emeishan",
                "at": "2026-07-01T02:00:00Z",
                "admits": 1,
                "category": None,
                "annulled_at": "2026-07-01T02:00:00Z",
            },
            {
                "pass_id": held.id,
                "spot": "emeishan",
                "at": "2026-07-01T02:00:00Z",
                "admits": 1,
                "category": None,
                "annulled_at": None,
            },
        ],
    }
    other = await world.issue()
    of_other = await api.get(f"/api/v1/passes/{other.id}/admissions", token)
    assert_problem(of_other, 404, "pass_unknown")


async def test_a_pass_gets_sixty_pictures_at_once_then_one_a_second(
    api: Api, world: World, clock: Clock
) -> None:
    """Four connections that asked for pictures slowed scans from 6 to 169 ms."""
    held = await world.issue()
    path, token = f"/api/v1/passes/{held.id}/qr.png", TOKENS.for_pass(held.id, NOW)
    told = [(await api.get(path, token)).status for _ in range(62)]
    assert told == [200] * 60 + [429] * 2
    clock.time += timedelta(seconds=1)
    assert [(await api.get(path, token)).status for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("kind", [PNG, SVG])
def test_the_work_of_a_picture_is_bounded(kind: PictureKind) -> None:
    """The library drew each pixel, and all eight masks to choose the best: 86,000 calls."""
    text = "".join(random.Random(7).choices(string.ascii_uppercase + string.digits, k=147))
    calls = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        qr_picture(text, kind)
    finally:
        sys.setprofile(None)
    assert calls < 25_000
