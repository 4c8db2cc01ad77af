"""What staff see and hear."""

import asyncio
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from passes.base.text import Text
from scripts.gate.screen import Annulled, NotDecided, Screen, Shown, Sounds
from tests.support.waiting import PATIENCE

PASS = {"id": "70a69d540b54f65e", "holder_mask": "测** 110***********002X"}
ADMITTED: dict[str, Any] = {
    "verdict": "admitted",
    "reason": "ok",
    "message": {"zh": "欢迎入园", "en": "Welcome"},
    "speak": "欢迎光临",
    "admits": 2,
    "pays": 0,
    "check_identity": False,
    "pass": None,
}
REFUSED = ADMITTED | {
    "verdict": "refused",
    "reason": "expired",
    "message": {"zh": "此票已过期", "en": "Expired"},
}
HINT = Text("请检查扫码枪", "check the scanner")
CAME = [
    (Shown(ADMITTED, online=True), "ADMITTED 2: 欢迎入园 / Welcome"),
    (Shown(ADMITTED, online=False), "ADMITTED 2: 欢迎入园 / Welcome (offline)"),
    (
        Shown(ADMITTED | {"check_identity": True, "pass": PASS}, online=True),
        "ADMITTED 2, check the card: 欢迎入园 / Welcome [测** 110***********002X]",
    ),
    (Shown(ADMITTED | {"verdict": "paid", "pays": 1}, online=True), "PAID 2: 欢迎入园 / Welcome"),
    (Shown(REFUSED, online=True), "REFUSED expired: 此票已过期 / Expired"),
    (
        Shown(REFUSED, online=True, hint=HINT),
        "REFUSED expired: 此票已过期 / Expired\n  请检查扫码枪 / check the scanner",
    ),
    (NotDecided(None, "timeout"), "NO ANSWER: timeout"),
    (NotDecided("not_kept", "full"), "NOT SCANNED not_kept: full"),
    (Annulled({"nonce": "n1"}), "ANNULLED n1"),
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("came", "line"), CAME)
def test_a_line_for_each_scan(came: Any, line: str) -> None:
    out = io.StringIO()
    Screen(as_json=False, out=out).came(came)
    assert out.getvalue() == f"{line}\n"


@pytest.mark.parametrize(("came", "line"), CAME)
def test_one_json_document_a_line_and_nothing_else(came: Any, line: str) -> None:
    out = io.StringIO()
    screen = Screen(as_json=True, out=out)
    screen.came(came)
    screen.state("offline", HINT, why="cut")
    scan, state = map(json.loads, out.getvalue().splitlines())
    assert scan["event"] == ("annulled" if line.startswith("ANNULLED") else "scan")
    assert scan.get("verdict") == {"A": "admitted", "P": "paid", "R": "refused"}.get(
        "" if line.startswith("ANNULLED") else line[0]
    )
    assert state == {"event": "offline", "message": {"zh": HINT.zh, "en": HINT.en}, "why": "cut"}


@pytest.mark.parametrize(
    ("came", "colour", "says"),
    [
        (Shown(ADMITTED, online=True), "42", "放行 2 人"),
        (Shown(REFUSED, online=True), "41", "不能入园"),
        (Shown(REFUSED | {"reason": "repeat"}, online=True), "42", "已放行"),
        (NotDecided("not_kept", "full"), "41", "未能处理"),
    ],
)
def test_a_terminal_is_green_or_red_from_edge_to_edge(came: Any, colour: str, says: str) -> None:
    out = Terminal()
    Screen(as_json=False, out=out).came(came)
    bar, head, *_ = out.getvalue().splitlines()
    assert bar.startswith(f"\033[1;97;{colour}m" + " " * 40)
    assert says in head


async def test_a_sound_is_made_beside_the_scans(tmp_path: Path) -> None:
    heard, slow = tmp_path / "heard", "import time, sys; time.sleep(30)"
    write = f"open({str(heard)!r}, 'a').write('x')"
    sounds = Sounds(f'{sys.executable} -c "{write}"', f'{sys.executable} -c "{slow}"')
    began = time.monotonic()
    for _ in range(20):
        sounds.came(Shown(REFUSED, online=True))
    sounds.came(Shown(REFUSED | {"reason": "repeat"}, online=True))
    assert time.monotonic() - began < 1, "nobody waits for it"
    assert len(sounds._running) <= 4, "no crowd of them"
    await sounds.end(0)
    sounds.came(Shown(ADMITTED, online=True))
    await sounds.end(PATIENCE)
    assert heard.exists(), "it sounded to its end"


async def test_a_sound_that_cannot_be_made_stops_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sounds = Sounds("/nowhere/bell", None)
    sounds.came(Shown(ADMITTED, online=True))
    sounds.came(Shown(REFUSED, online=True))
    await asyncio.gather(*sounds._running)
    assert "/nowhere/bell does not run" in capsys.readouterr().err
