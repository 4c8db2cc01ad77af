"""Pictures: a code as a QR symbol, PNG or SVG.

Drawn here, for the library's own pictures took eight times as long, and whoever asks for pictures
shares the processor with scans (docs/performance.md).
"""

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

import qrcode

_QUIET_ZONE = 4  # modules, ISO/IEC 18004
_MODULE_PIXELS = 8
_SVG_MILLIMETRES = 0.8
"""The width of a module where an SVG is printed as it is."""

_MASK = 3
"""Of the eight masks of ISO/IEC 18004 one for all. Choosing the best means drawing all eight. It
matters for texts that make patterns; ours are signed, so their bits look random. A symbol says by
which mask it is read."""

_MOST_PICTURES = 256
"""How many pictures a process remembers: at most 3 MB."""

_PIXELS = bytes.maketrans(b"\x00\x01", b"\xff\x00")
"""Eight pixels of one bit, by whether their module is dark."""
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

Rows = Sequence[Sequence[bool]]


@dataclass(frozen=True, slots=True)
class PictureKind:
    """A kind of picture: its media type, and what draws rows of dark and light modules."""

    media_type: str
    draw: Callable[[Rows], bytes]


@lru_cache(maxsize=_MOST_PICTURES)
def qr_picture(text: str, kind: PictureKind) -> bytes:
    """The picture of a code text, with error correction M (ISO/IEC 18004).

    Base45 is made for the alphanumeric mode of QR codes: a code of 147 characters becomes version
    6, 41 × 41 modules.
    """
    symbol = qrcode.QRCode(
        error_correction=qrcode.constants.ERROR_CORRECT_M,
        mask_pattern=_MASK,
        border=_QUIET_ZONE,
    )
    symbol.add_data(text.encode("ascii"), optimize=0)  # in one mode, not split into several
    return kind.draw(symbol.get_matrix())


def _png(rows: Rows) -> bytes:
    """A PNG (ISO/IEC 15948) with one bit a pixel, so that a row of a module is one byte."""
    lines = bytearray()
    for row in rows:
        line = bytes(row).translate(_PIXELS)
        lines += (b"\x00" + line) * _MODULE_PIXELS  # 0: the line stands unfiltered
    width, height = len(rows[0]) * _MODULE_PIXELS, len(rows) * _MODULE_PIXELS
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)  # 1 bit of grey
    return b"".join(
        [
            _PNG_SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", zlib.compress(lines)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    checked = name + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def _svg(rows: Rows) -> bytes:
    """An SVG with one path: a rectangle for each run of dark modules in a row."""
    size = len(rows)
    runs = "".join(
        f"M{x},{y}h{width}v1h-{width}z" for y, row in enumerate(rows) for x, width in _runs(row)
    )
    millimetres = f"{size * _SVG_MILLIMETRES:g}mm"
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        f'<svg width="{millimetres}" height="{millimetres}" version="1.1" '
        f'viewBox="0 0 {size} {size}" xmlns="http://www.w3.org/2000/svg">'
        f'<path d="{runs}" fill="#000000" shape-rendering="crispEdges"/></svg>'
    ).encode()


def _runs(row: Iterable[bool]) -> Iterator[tuple[int, int]]:
    """Where dark modules begin in a row, and how many stand side by side."""
    x = 0
    for dark, group in groupby(row):
        width = len(list(group))
        if dark:
            yield x, width
        x += width


PNG = PictureKind("image/png", _png)
SVG = PictureKind("image/svg+xml", _svg)
