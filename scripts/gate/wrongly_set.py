"""Words for a text that is no code of ours, as staff need them at once: what to set at the scanner
(`passes.codes.wrongly_set`), or that it was another picture. No visitor is to blame. Pure.
"""

import re

from passes.base.text import Text
from passes.codes.format import PREFIX
from passes.codes.scanned import one_form
from passes.codes.wrongly_set import CAPS_LOCK, scanner_fault

_OTHER_PICTURES = (
    (
        r"(https?://|wxp://|weixin:|alipay).*",
        Text(
            "这是其他二维码，请出示年票二维码",
            "this is another QR code; please show that of the pass",
        ),
    ),
    (
        r"[0-9]{8,14}",
        Text(
            "这是条形码，请扫描年票二维码",
            "this is a bar code; please scan the QR code of the pass",
        ),
    ),
)
"""What the whole text looks like, and what is told of it."""


def hint(text: str) -> Text | None:
    """What to tell staff of a text that could not be read as a code, if anything can be told."""
    fault = scanner_fault(text)
    if fault is not None:
        return fault
    for pattern, words in _OTHER_PICTURES:
        if re.fullmatch(pattern, text.strip(), re.IGNORECASE):
            return words
    return caps_lock(text)


def caps_lock(text: str) -> Text | None:
    """What to tell staff of small letters: a code is read all the same."""
    if one_form(text).startswith(PREFIX) and re.search(r"[a-z]", text):
        return CAPS_LOCK
    return None
