"""Writes codes by docs/adr/0004-code-format.md alone, sharing no code with `passes.codes`."""

import hashlib
import hmac
from datetime import date, datetime, timedelta, timezone
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
MASTER = bytes(range(32))
CODE: dict[str, Any] = {
    "key_id": 2,
    "pass_id": "0123456789abcdef",
    "product_number": 7,
    "first_day": "2026-07-01",
    "last_day": "2027-06-30",
    "party": 1,
    "rotating": True,
    "pay_at_window": False,
}


def base45(raw: bytes) -> str:
    """RFC 9285."""
    text = ""
    for start in range(0, len(raw), 2):
        pair = raw[start : start + 2]
        value, signs = int.from_bytes(pair, "big"), 3 if len(pair) == 2 else 2
        for _ in range(signs):
            value, sign = divmod(value, 45)
            text += ALPHABET[sign]
    return text


def day_key(day: str) -> bytes:
    """HKDF-SHA256 (RFC 5869) without salt, one block of output."""
    pseudorandom = hmac.digest(bytes(32), MASTER, "sha256")
    return hmac.digest(pseudorandom, b"BP1 day" + day.encode() + b"\x01", "sha256")


def pass_day_key(day: str, serial: str = CODE["pass_id"]) -> bytes:
    return hmac.digest(day_key(day), bytes.fromhex(serial), hashlib.sha256)


def content(code: dict[str, Any], fmt: int = 1, zero: int = 0, more_flags: int = 0) -> bytes:
    days = [
        (date.fromisoformat(code[name]) - date(2020, 1, 1)).days
        for name in ("first_day", "last_day")
    ]
    flags = (1 if code["rotating"] else 0) | (2 if code["pay_at_window"] else 0) | more_flags
    return (
        bytes([fmt, code["key_id"]])
        + bytes.fromhex(code["pass_id"])
        + b"".join(number.to_bytes(2, "big") for number in (code["product_number"], *days))
        + bytes([code["party"], flags, zero])
    )


def signed(raw: bytes, key_id: int = 2, prefix: bytes = b"BP1") -> bytes:
    private = Ed25519PrivateKey.from_private_bytes(bytes([key_id]) * 32)
    return raw + private.sign(prefix + raw)


def tail(raw: bytes, at: datetime, serial: str = CODE["pass_id"], day: str | None = None) -> bytes:
    timed = raw + (int(at.timestamp()) // 30).to_bytes(4, "big")
    day = day or at.astimezone(timezone(timedelta(hours=8))).date().isoformat()
    return timed + hmac.digest(pass_day_key(day, serial), timed, hashlib.sha256)[:8]


def text(raw: bytes) -> str:
    return "BP1:" + base45(raw)
