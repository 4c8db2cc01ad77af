"""Pictures: a code as a QR symbol, PNG or SVG."""

import io
from dataclasses import dataclass

import qrcode
from qrcode.image.base import BaseImage
from qrcode.image.pure import PyPNGImage
from qrcode.image.svg import SvgPathImage

_QUIET_ZONE = 4  # modules, ISO/IEC 18004
_MODULE_PIXELS = 8


@dataclass(frozen=True, slots=True)
class PictureKind:
    """A kind of picture: its media type and what draws it."""

    media_type: str
    factory: type[BaseImage]


PNG = PictureKind("image/png", PyPNGImage)
SVG = PictureKind("image/svg+xml", SvgPathImage)


def qr_picture(text: str, kind: PictureKind) -> bytes:
    """The picture of a code text, with error correction M (ISO/IEC 18004).

    Base45 is made for the alphanumeric mode of QR codes: a code of 147 characters becomes version
    6, 41 × 41 modules.
    """
    symbol = qrcode.QRCode(
        error_correction=qrcode.constants.ERROR_CORRECT_M,
        box_size=_MODULE_PIXELS,
        border=_QUIET_ZONE,
    )
    symbol.add_data(text.encode("ascii"), optimize=0)  # in one mode, not split into several
    out = io.BytesIO()
    symbol.make_image(image_factory=kind.factory).save(out)
    return out.getvalue()
