"""What staff are told of a text that is no code: what to set on the scanner, and no visitor is
blamed."""

import pytest

from passes.holding.shown_code import live_text, static_text
from scripts.gate.wrongly_set import hint
from tests.support.build import KEYS, NOW, held

PRINTED = static_text(held(), KEYS)
LIVE = live_text(held(), KEYS, NOW)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("不怕1：" + PRINTED[4:60], "input method"),
        (PRINTED.replace(":", "Ö").replace("-", "ß"), "layout is German"),
        (PRINTED.replace("1:", "&M"), "layout is French"),
        (PRINTED[:90], "characters are missing"),
        (PRINTED[:4], None),
        (PRINTED + PRINTED, "let it end each with Enter"),
        (LIVE + LIVE, "let it end each with Enter"),
        ("QR:" + PRINTED, "adds a prefix"),
        ("https://weixin.qq.com/g/abc", "another QR code"),
        ("wxp://f2f0abc", "another QR code"),
        ("6901234567892", "bar code"),
        (PRINTED.lower(), "caps lock"),
        (PRINTED, None),
        (LIVE, None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_staff_are_told_what_to_set(text: str, says: str | None) -> None:
    words = hint(text)
    if says is None:
        assert words is None
        return
    assert words is not None
    assert says in words.en
