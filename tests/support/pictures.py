"""Reads QR pictures with a decoder that is not ours."""

import zxingcpp
from PIL import Image, ImageFilter


def texts_in(picture: Image.Image) -> list[str]:
    """What a decoder reads in a picture."""
    return [found.text for found in zxingcpp.read_barcodes(picture)]


def assert_shows(picture: Image.Image, text: str) -> None:
    """The picture shows one code: as it is, out of focus, and small and askew."""
    assert texts_in(picture) == [text]
    assert texts_in(picture.filter(ImageFilter.GaussianBlur(3))) == [text]
    assert texts_in(picture.resize((147, 147)).rotate(20, fillcolor=255, expand=True)) == [text]
