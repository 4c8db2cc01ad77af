"""Base45 beside the package of that name, which shares no code with ours."""

import pytest
from base45 import b45decode, b45encode
from hypothesis import given
from hypothesis import strategies as st

from passes.codes import base45


@given(st.binary(max_size=200))
def test_bytes_are_written_and_read_as_the_package_does(raw: bytes) -> None:
    text = base45.encode(raw)
    assert text == b45encode(raw).decode()
    assert base45.decode(text) == raw


@given(st.text("09AZ $%*+-./:az峨\x00", max_size=12))
def test_what_the_package_refuses_is_refused(text: str) -> None:
    try:
        expected = b45decode(text)
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            base45.decode(text)
    else:
        assert base45.decode(text) == expected
