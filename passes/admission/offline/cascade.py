"""A filter cascade: which of all serials admit nowhere, in little more than a byte and a half each.

Bloom filters in levels (Larisch et al., CRLite, 2017). The first holds the serials that are
refused; the second those of the others that the first takes for refused by chance; the third those
of the refused that the second takes for others; and so on, until nobody is left over. So the answer
is right for every serial that the cascade was made of, and chance for any other.
"""

import math
import struct
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

MAGIC = b"BPF1"
SALT_BYTES = 8
_LEVEL = struct.Struct(">BI")
_TWO_NUMBERS = struct.Struct(">II")
_U32 = 0xFFFF_FFFF
_MOST_LEVELS = 255
_LEAST_HASHES, _MOST_HASHES = 7, 40
"""Of the first level. So few new serials are taken for refused, however small a system is."""
_LEAST_BITS = 64


class CascadeMalformed(ValueError):
    """Bytes that are no filter cascade."""


@dataclass(frozen=True, slots=True)
class Level:
    """One Bloom filter: `bits` bits in `data`, bit i being bit i % 8 of byte i // 8, of which each
    serial sets `hashes`."""

    hashes: int
    bits: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Cascade:
    """A filter cascade. `salt` is 8 bytes, new for each, so that nobody can draw serials that are
    taken for refused."""

    salt: bytes
    levels: tuple[Level, ...] = ()

    def refuses(self, serial: str) -> bool:
        """Whether a serial, 16 hexadecimal digits, admits nowhere."""
        number = bytes.fromhex(serial)
        for index, level in enumerate(self.levels):
            if not _holds(level, _prefix(self.salt, index), number):
                # It is none of those that this level holds: others at an even one, from 0.
                return index % 2 == 1
        return len(self.levels) % 2 == 1

    def encode(self) -> bytes:
        """The bytes of the cascade (docs/gate-protocol.md, "The filter")."""
        parts = [MAGIC, self.salt, bytes([len(self.levels)])]
        for level in self.levels:
            parts += [_LEVEL.pack(level.hashes, level.bits), level.data]
        return b"".join(parts)


def decode(raw: bytes) -> Cascade:
    """The cascade in some bytes. Raises `CascadeMalformed`."""
    begin = len(MAGIC) + SALT_BYTES + 1
    if len(raw) < begin or not raw.startswith(MAGIC):
        raise CascadeMalformed("no filter of this format")
    salt, count, at = raw[len(MAGIC) : begin - 1], raw[begin - 1], begin
    levels = []
    for _ in range(count):
        if at + _LEVEL.size > len(raw):
            raise CascadeMalformed("a level is cut short")
        hashes, bits = _LEVEL.unpack_from(raw, at)
        at += _LEVEL.size
        data = raw[at : at + (bits + 7) // 8]
        at += len(data)
        if not hashes or not bits or len(data) < (bits + 7) // 8:
            raise CascadeMalformed("a level is cut short")
        levels.append(Level(hashes, bits, data))
    if at != len(raw):
        raise CascadeMalformed("something follows the last level")
    return Cascade(salt, tuple(levels))


def made(refused: Iterable[int], others: Iterable[int], salt: bytes) -> Cascade:
    """The cascade for some serials, as numbers, that are refused, and all others there are.

    No serial may be among both. Five million take about ten seconds and 40 MB.
    """
    holds, excludes = array("Q", refused), array("Q", others)
    levels: list[Level] = []
    while holds:
        if len(levels) == _MOST_LEVELS:
            raise ValueError("a serial is refused and is not")
        level = _level_of(holds, _hashes(holds, excludes, len(levels)), salt, len(levels))
        prefix = _prefix(salt, len(levels))
        taken = array("Q", (each for each in excludes if _holds(level, prefix, _bytes(each))))
        levels.append(level)
        # What is taken by chance is held by the next level, and must not be confused with what
        # this one holds.
        holds, excludes = taken, holds
    return Cascade(salt, tuple(levels))


def _hashes(holds: Sequence[int], excludes: Sequence[int], index: int) -> int:
    """How many bits each serial sets. The first level lets so many through that all levels together
    are smallest, the others one in two."""
    if index:
        return 1
    let_through = len(holds) / (2 * math.log(2) * max(1, len(excludes)))
    return min(_MOST_HASHES, max(_LEAST_HASHES, round(-math.log2(let_through))))


def _level_of(holds: Sequence[int], hashes: int, salt: bytes, index: int) -> Level:
    bits = max(_LEAST_BITS, math.ceil(len(holds) * hashes / math.log(2)))
    data, prefix = bytearray((bits + 7) // 8), _prefix(salt, index)
    for each in holds:
        first, step = _numbers(prefix, _bytes(each))
        for n in range(hashes):
            at = ((first + n * step) & _U32) % bits
            data[at >> 3] |= 1 << (at & 7)
    return Level(hashes, bits, bytes(data))


def _holds(level: Level, prefix: bytes, serial: bytes) -> bool:
    first, step = _numbers(prefix, serial)
    bits, data = level.bits, level.data
    for n in range(level.hashes):
        at = ((first + n * step) & _U32) % bits
        if not data[at >> 3] & (1 << (at & 7)):
            return False
    return True


def _prefix(salt: bytes, index: int) -> bytes:
    return salt + bytes([index])


def _numbers(prefix: bytes, serial: bytes) -> tuple[int, int]:
    """The first bit of a serial and the step to the next ones (Kirsch and Mitzenmacher, 2006)."""
    first, step = _TWO_NUMBERS.unpack_from(sha256(prefix + serial).digest())
    return first, step | 1


def _bytes(serial: int) -> bytes:
    return serial.to_bytes(8, "big")
