"""Scanners that are set wrongly: what a text that was not read as a code says of its scanner.

A keyboard scanner presses keys, and what arrives depends on the layout, the input method and the
caps lock of the machine. No visitor is to blame for that, so whoever runs the gate is told what to
set (docs/gate-protocol.md, "Scanners"). Nothing is read by what is found here.
"""

import re
import unicodedata

from passes.base.text import Text
from passes.codes import base45
from passes.codes.format import LONGEST_TEXT, PREFIX, ROTATING_BYTES, SIGNED_BYTES
from passes.codes.scanned import one_form


def _words(zh: str, en: str) -> Text:
    return Text(f"扫码设备设置有误：{zh}", f"Scanner set wrongly: {en}")


CAPS_LOCK = _words("大写锁定已打开，请关闭", "caps lock is on; switch it off")
INPUT_METHOD = _words(
    "中文输入法已打开，请切换到英文", "an input method is on; switch it to English"
)
QWERTZ = _words("键盘布局为德语，请改为美式英语", "the layout is German; set it to US English")
AZERTY = _words("键盘布局为法语，请改为美式英语", "the layout is French; set it to US English")
NO_BEGINNING = _words(
    "开头的字符丢失，请不要去除前缀", "the beginning is missing; let it cut nothing off"
)
MORE_IN_FRONT = _words("加了前缀，请取消", "it adds a prefix; remove that")
CUT_OFF = _words(
    "内容不完整，请调慢输出速度后重扫",
    "characters are missing; let it send more slowly, and scan again",
)
TWO_IN_ONE = _words(
    "两次扫码连在一起，请设置以回车结尾",
    "two codes came in one line; let it end each with Enter",
)

_SHIFT_LOCK = str.maketrans("!@#$%^&*();:=+_->.?/1234567890", "1234567890:;+=-_.>/?!@#$%^&*()")
_FROM_QWERTZ = str.maketrans("YyZzÖöß(`-", "ZzYy::-*+/")
_FROM_AZERTY = str.maketrans("AaQqWwZzMm?&é\"'(-è_çà458):!,", "QqAaZzWw::M1234567890$%*-./M")
_LAYOUTS = ((_SHIFT_LOCK, CAPS_LOCK), (_FROM_QWERTZ, QWERTZ), (_FROM_AZERTY, AZERTY))
"""What each key gives, back to what it gives on a US keyboard."""

_CHINESE = re.compile(r"[\u3400-\u9fff。、《》「」【】¥￥…]")
_BASE45 = re.compile(r"[0-9A-Z $%*+\-./:]*")
_SHORTEST = len(PREFIX) + 12
"""Less of a code says nothing of the scanner."""


def scanner_fault(text: str) -> Text | None:
    """What to set at the scanner that gave a text which is no code; None if nothing can be told."""
    form = one_form(text)
    if _is_whole(form) or len(form) < _SHORTEST:
        return None
    if form.count(PREFIX) > 1:
        return TWO_IN_ONE
    if PREFIX in form[1:]:
        return MORE_IN_FRONT
    if any(_is_whole(PREFIX[:lost] + form) for lost in range(1, len(PREFIX) + 1)):
        return NO_BEGINNING
    if form.startswith(PREFIX) and _BASE45.fullmatch(form) and len(form) < LONGEST_TEXT:
        return CUT_OFF
    return _typed_wrongly(text)


def _typed_wrongly(text: str) -> Text | None:
    """What the keyboard did to a code, if it did something known."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if _CHINESE.search(text) and (plain[:1].upper() == PREFIX[0] or PREFIX[-2:] in plain[:8]):
        return INPUT_METHOD
    for layout, words in _LAYOUTS:
        typed = plain.translate(layout).upper()
        if typed.startswith(PREFIX) and _BASE45.fullmatch(typed):
            return words
    return None


def _is_whole(form: str) -> bool:
    """Whether a text has the form of one of our codes; whether it is genuine is not asked."""
    if not form.startswith(PREFIX):
        return False
    try:
        raw = base45.decode(form[len(PREFIX) :])
    except ValueError:
        return False
    return len(raw) in {SIGNED_BYTES, ROTATING_BYTES}
