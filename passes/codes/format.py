"""The code: the text inside the QR picture of a pass (docs/adr/0004-code-format.md).

A code is signed with Ed25519 (RFC 8032), so a gate can check it alone. A rotating code also ends
in the current 30-second step and a MAC over it, so a screenshot grows stale. This module reads and
writes codes; whether the pass behind one admits is not its business.
"""

import hmac
import struct
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

from passes.base.calendar import business_day
from passes.codes import base45
from passes.codes.keys import CodeKeys, SigningKey
from passes.codes.scanned import one_form
from passes.ledger.verdicts import Reason

PREFIX = "BP1:"
STEP_SECONDS = 30
FORMAT = 1

_EPOCH = date(2020, 1, 1)
FIRST_DAY, LAST_DAY = _EPOCH, _EPOCH + timedelta(days=0xFFFF)
"""The days that a code can name."""

# Format, key id, serial, product, first day, last day, party, flags, and a byte that is zero.
_CONTENT = struct.Struct(">BBQHHHBBB")
_STEP = struct.Struct(">I")
_SIGNATURE_BYTES = 64
_MAC_BYTES = 8
SIGNED_BYTES = _CONTENT.size + _SIGNATURE_BYTES
ROTATING_BYTES = SIGNED_BYTES + _STEP.size + _MAC_BYTES
LONGEST_TEXT = len(PREFIX) + (ROTATING_BYTES // 2) * 3 + 2
"""In characters. Base45 (RFC 9285) writes 2 bytes as 3 characters, and an odd last byte as 2."""
_SIGNING_CONTEXT = b"BP1"

_ROTATING = 1
_PAY_AT_WINDOW = 2
_KNOWN_FLAGS = _ROTATING | _PAY_AT_WINDOW


@dataclass(frozen=True, slots=True)
class Code:
    """What a code says, 19 bytes.

    `pass_id` is the serial in 16 hexadecimal digits; days are business days, both included.
    `party` is how many people the pass admits on one visit.
    """

    key_id: int
    pass_id: str
    product_number: int
    first_day: date
    last_day: date
    party: int = 1
    rotating: bool = False
    pay_at_window: bool = False
    step: int | None = field(default=None, compare=False)
    """The 30-second step of a rotating code, which is no part of what is signed."""

    def pack(self) -> bytes:
        """The 19 signed bytes. Raises `struct.error` for a value that does not fit its field."""
        flags = _ROTATING * self.rotating | _PAY_AT_WINDOW * self.pay_at_window
        return _CONTENT.pack(
            FORMAT,
            self.key_id,
            int(self.pass_id, 16),
            self.product_number,
            (self.first_day - _EPOCH).days,
            (self.last_day - _EPOCH).days,
            self.party,
            flags,
            0,
        )


class CodeError(Exception):
    """A code that proves nothing. `reason` is `code_malformed`, `code_forged` or `code_stale`.

    `code` is what was read. It is set only when the signature holds: for a stale code, and for
    one by a key that has ended.
    """

    def __init__(self, reason: Reason, code: Code | None = None) -> None:
        """`reason` becomes the reason of the refusal."""
        super().__init__(reason.value)
        self.reason = reason
        self.code = code


def sign(code: Code, key: SigningKey) -> bytes:
    """The 83 bytes of a static code, or of the signed part that a phone rotates."""
    content = code.pack()
    return content + key.private.sign(_SIGNING_CONTEXT + content)


def rotate(signed: bytes, pass_day_key: bytes, at: datetime) -> bytes:
    """The 95 bytes of a rotating code at an instant.

    `pass_day_key` is the key of the pass for the business day of `at`, 32 bytes.
    """
    timed = signed + _STEP.pack(step_of(at))
    return timed + _mac(pass_day_key, timed)


def to_text(raw: bytes) -> str:
    """The text for the QR picture: `BP1:` and Base45 (RFC 9285), the alphabet of QR codes."""
    return f"{PREFIX}{base45.encode(raw)}"


def read(text: str, keys: CodeKeys, now: datetime, tolerance: int = 1) -> Code:
    """The content of a scanned text, proven genuine and fresh.

    A rotating code is fresh for `tolerance` steps of 30 seconds before and after the current one.
    Raises `CodeError`.
    """
    # 1. The text is one of ours, whatever the scanner has put around it. Blanks around it can be
    #    stripped: though the blank is a character of Base45, no code ends in one. Both kinds have
    #    an odd number of bytes, and the second character of a single last byte is a digit from
    #    0 to 5.
    raw = _decode(one_form(text))
    code = _unpack(raw)

    # 2. The signature is by one of our keys, still trusted today.
    key = keys.verifier(code.key_id)
    content, signature = raw[: _CONTENT.size], raw[_CONTENT.size : SIGNED_BYTES]
    if key is None or not key.verifies(signature, _SIGNING_CONTEXT + content):
        raise CodeError(Reason.CODE_FORGED)
    if business_day(now) > key.last_day:
        raise CodeError(Reason.CODE_FORGED, code)
    if not code.rotating:
        return code

    # 3. The MAC over the step was made with the key of this pass and day.
    timed, mac = raw[: SIGNED_BYTES + _STEP.size], raw[-_MAC_BYTES:]
    step = code.step or 0
    try:
        pass_day_key = keys.pass_day_key(business_day(_step_start(step)), code.pass_id)
    except KeyError:  # a gate holds keys of some days alone, and the step is of none of them
        raise CodeError(Reason.CODE_STALE) from None
    if not hmac.compare_digest(_mac(pass_day_key, timed), mac):
        raise CodeError(Reason.CODE_FORGED)

    # 4. The step is the current one, or nearly.
    if abs(step - step_of(now)) > tolerance:
        raise CodeError(Reason.CODE_STALE, code)
    return code


def step_of(instant: datetime) -> int:
    """The 30-second step of an aware instant since 1970."""
    return int(instant.timestamp()) // STEP_SECONDS


def digest(text: str) -> str:
    """What is kept of a scanned code: enough to recognise it again, useless at a gate.

    The first 16 hexadecimal digits of the SHA-256 of its one form.
    """
    return sha256(one_form(text).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _step_start(step: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=step * STEP_SECONDS)


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")[:_MAC_BYTES]


def _decode(text: str) -> bytes:
    if len(text) > LONGEST_TEXT or not text.startswith(PREFIX):
        raise CodeError(Reason.CODE_MALFORMED)
    try:
        return base45.decode(text[len(PREFIX) :])
    except ValueError:
        raise CodeError(Reason.CODE_MALFORMED) from None


def _unpack(raw: bytes) -> Code:
    """The content of the bytes; nothing is proven yet."""
    if len(raw) not in {SIGNED_BYTES, ROTATING_BYTES}:
        raise CodeError(Reason.CODE_MALFORMED)
    fmt, key_id, serial, product, first, last, party, flags, zero = _CONTENT.unpack(
        raw[: _CONTENT.size]
    )
    rotating = bool(flags & _ROTATING)
    as_long_as_it_says = rotating == (len(raw) == ROTATING_BYTES)
    unknown_flags = flags & ~_KNOWN_FLAGS
    if fmt != FORMAT or zero or unknown_flags or not as_long_as_it_says:
        raise CodeError(Reason.CODE_MALFORMED)
    return Code(
        key_id=key_id,
        pass_id=f"{serial:016x}",
        product_number=product,
        first_day=_EPOCH + timedelta(days=first),
        last_day=_EPOCH + timedelta(days=last),
        party=party,
        rotating=rotating,
        pay_at_window=bool(flags & _PAY_AT_WINDOW),
        step=_STEP.unpack_from(raw, SIGNED_BYTES)[0] if rotating else None,
    )
