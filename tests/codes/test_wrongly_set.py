"""What a scanner that is set wrongly makes of a code, and what staff are told to set."""

import pytest

from passes.base.text import Text
from passes.codes import wrongly_set
from passes.codes.wrongly_set import (
    AZERTY,
    CAPS_LOCK,
    CUT_OFF,
    INPUT_METHOD,
    MORE_IN_FRONT,
    NO_BEGINNING,
    QWERTZ,
    TWO_IN_ONE,
    scanner_fault,
)
from passes.holding.shown_code import live_text, static_text
from tests.support import build
from tests.support.build import KEYS, NOW

US = "1234567890-=qwertyuiop[]asdfghjkl;'zxcvbnm,./!@#$%^&*()_+QWERTYUIOPASDFGHJKL:ZXCVBNM<>? "
KEYBOARDS = {
    "qwertz": '1234567890ß´qwertzuiopü+asdfghjklöäyxcvbnm,.-!"§$%&/()=?`QWERTZUIOPASDFGHJKLÖ'
    "YXCVBNM;:_ ",
    "azerty": "&é\"'(-è_çà)=azertyuiop^$qsdfghjklmùwxcvbn,;:!1234567890°+AZERTYUIOPQSDFGHJKLM"
    "WXCVBN?./§ ",
    "shift lock": "!@#$%^&*()_+QWERTYUIOP[]ASDFGHJKL:'ZXCVBNM<>?1234567890-=qwertyuiopasdfghjkl;"
    "zxcvbnm,./ ",
}
"""What the keys of a US keyboard give, unshifted and shifted, on other keyboards."""

LIVE, PRINTED = live_text(build.held(), KEYS, NOW), static_text(build.held(), KEYS)


def typed_on(keyboard: str, text: str) -> str:
    keys = KEYBOARDS[keyboard]
    assert len(keys) == len(US)
    return text.translate(str.maketrans(US, keys))


@pytest.mark.parametrize("code", [LIVE, PRINTED], ids=["live", "printed"])
@pytest.mark.parametrize(
    ("keyboard", "fault"), [("qwertz", QWERTZ), ("azerty", AZERTY), ("shift lock", CAPS_LOCK)]
)
def test_a_wrong_keyboard_is_named(code: str, keyboard: str, fault: Text) -> None:
    assert scanner_fault(typed_on(keyboard, code)) == fault


CASES = [
    ("the code itself", LIVE, None),
    ("small letters, which are read", LIVE.lower(), None),
    ("an input method in the middle", LIVE[:20] + "你好" + LIVE[26:], INPUT_METHOD),
    ("its full stop", LIVE[:40] + "。" + LIVE[41:], INPUT_METHOD),
    ("the prefix is cut off", LIVE[4:], NO_BEGINNING),
    ("two characters are cut off", PRINTED[2:], NO_BEGINNING),
    ("the end is cut off", LIVE[:-7], CUT_OFF),
    ("the end of a printed one", PRINTED[:-2], CUT_OFF),
    ("one is lost in the middle", LIVE[:30] + LIVE[31:], CUT_OFF),
    ("something in front", "QR-" + LIVE, MORE_IN_FRONT),
    ("no Enter between two", LIVE + PRINTED, TWO_IN_ONE),
    ("nothing", "", None),
    ("the prefix alone", "BP1:", None),
    ("an address", "https://example.com/p/1", None),
    ("a payment", "wxp://f2f0bQp6Uz3mN8aT5kYcR1vE", None),
    ("a bar code", "6901234567892", None),
    ("another QR code", "K7Q2M-9XD3W-N8T5H-C1B40", None),
    ("Chinese words", "景区导览图请扫描二维码关注公众号获取更多信息", None),
]


@pytest.mark.parametrize(
    ("text", "fault"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_is_told_of_a_text(text: str, fault: Text | None) -> None:
    assert scanner_fault(text) == fault


def test_nobody_is_blamed() -> None:
    texts = [value for value in vars(wrongly_set).values() if isinstance(value, Text)]
    assert len(texts) == 8
    for text in texts:
        assert text.zh.startswith("扫码设备设置有误：")
        assert text.en.startswith("Scanner set wrongly: ")
