"""Lines of scanners: every end of line, in pieces of any size, from files, pipes and devices."""

import os
import pty
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.gate.readers import LONGEST_LINE, Lines, NoReader, lines_of

TEXTS = st.lists(st.text("BP1:$%*+-./ 09AZ", min_size=1).map(str.strip).filter(bool), max_size=5)


@given(TEXTS, st.sampled_from(["\r", "\n", "\r\n"]), st.lists(st.integers(0, 200)))
def test_no_line_is_lost_in_whatever_pieces_it_comes(
    texts: list[str], ending: str, cuts: list[int]
) -> None:
    sent = "".join(text + ending for text in texts).encode()
    bounds = sorted({0, *(min(cut, len(sent)) for cut in cuts), len(sent)})
    lines = Lines()
    read = [line for start, end in pairwise(bounds) for line in lines.feed(sent[start:end])]
    assert read + lines.end() == texts


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b"one", ["one"]),
        (b"one\r\n\r\n\n\rtwo\r", ["one", "two"]),
        (b"\x02one\x03\r", ["\x02one\x03"]),
        (b"\xff\n", ["\ufffd"]),
        ("ＢＰ１：\r".encode(), ["ＢＰ１："]),
        (b"x" * 10_000 + b"\nnext\n", ["x" * (LONGEST_LINE + 1), "next"]),
    ],
)
async def test_a_file_is_read_to_its_end(tmp_path: Path, sent: bytes, read: list[str]) -> None:
    file = tmp_path / "codes"
    file.write_bytes(sent)
    assert [line async for line in lines_of(str(file))] == read


async def test_a_serial_device_gives_every_byte_as_it_comes() -> None:
    """Control characters are no signals, and CR stays CR, as on a line that nobody has cooked."""
    scanner, device = pty.openpty()
    lines = lines_of(f"serial:{os.ttyname(device)}@115200")
    first = b"\x03BP1:A\r"
    os.write(scanner, first[:4])
    os.write(scanner, first[4:] + b"BP1:B")
    assert await anext(lines) == "\x03BP1:A"
    os.write(scanner, b"\r\nBP1:C\n")
    assert [await anext(lines), await anext(lines)] == ["BP1:B", "BP1:C"]
    os.write(scanner, b"BP1:D")
    assert await anext(lines) == "BP1:D", "a scanner that sends no Enter"
    os.close(device)
    os.close(scanner)
    with pytest.raises((NoReader, StopAsyncIteration)):
        await anext(lines)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("/nowhere", "No such file"),
        ("serial:/nowhere", "No such file"),
        ("serial:/dev/null", "is no serial device"),
        ("serial:/dev/ptmx@17", "the speed is one of"),
    ],
)
def test_what_cannot_be_read_is_named(source: str, says: str) -> None:
    with pytest.raises(NoReader, match=says):
        lines_of(source)
