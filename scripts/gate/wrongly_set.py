"""Words for a text that is no code of ours. Most often the scanner is set wrongly, and no visitor
is to blame. Pure.
"""

import re

from passes.base.text import Text
from passes.codes.format import PREFIX
from passes.codes.scanned import one_form

_SHORTEST_TEXT = 129
"""A printed code, in characters."""

_INPUT_METHOD = Text(
    "请检查扫码枪：输入法未关闭，请切换到英文键盘",
    "check the scanner: an input method is on, switch to an English keyboard",
)
_LAYOUT = Text(
    "请检查扫码枪：键盘布局不对，应为美式英文（US）",
    "check the scanner: the keyboard layout is wrong, set it to US English",
)
_CAPS_LOCK = Text(
    "请检查扫码枪：大写锁定（Caps Lock）已打开，请关闭",
    "check the scanner: caps lock is on, switch it off",
)
_PREFIX_SET = Text(
    "请检查扫码枪：设置了前缀，请取消", "check the scanner: it adds a prefix, remove that"
)
_CUT_OFF = Text(
    "请检查扫码枪：读到的内容不完整，请调慢输出速度后重扫",
    "check the scanner: it loses characters, set it to send more slowly, and scan again",
)
_TWO_IN_ONE = Text(
    "请检查扫码枪：两次扫码连在一起，请设置结尾为回车（Enter）",
    "check the scanner: two codes came in one line, let it end each with Enter",
)
_ADDRESS = Text(
    "这是其他二维码，请出示年票二维码", "this is another QR code; please show that of the pass"
)
_BARCODE = Text(
    "这是条形码，请扫描年票二维码", "this is a bar code; please scan the QR code of the pass"
)


_HAN = re.compile(r"[\u3400-\u9fff]")

_FAULTS = (
    (r".*BP1:.*BP1:.*", _TWO_IN_ONE),
    (r".+BP1:.*", _PREFIX_SET),
    (rf"BP1:.{{0,{_SHORTEST_TEXT - len(PREFIX) - 1}}}", _CUT_OFF),
    (r"(HTTPS?://|WXP://|WEIXIN:|ALIPAY).*", _ADDRESS),
    (r"[0-9]{8,14}", _BARCODE),
    (r"BP[^:]{2}.{60,}", _LAYOUT),
)
"""What the whole text looks like, in capitals, and what is told of it."""


def hint(text: str) -> Text | None:
    """What to tell staff of a text that could not be read as a code, if anything can be told."""
    if _HAN.search(text):
        return _INPUT_METHOD
    form = one_form(text)
    for pattern, words in _FAULTS:
        if re.fullmatch(pattern, form):
            return words
    return caps_lock(text)


def caps_lock(text: str) -> Text | None:
    """What to tell staff of small letters: a code is read all the same."""
    if one_form(text).startswith(PREFIX) and re.search(r"[a-z]", text):
        return _CAPS_LOCK
    return None
