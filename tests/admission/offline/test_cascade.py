"""The filter: right for every serial that it was made of."""

import random

import pytest

from passes.admission.offline.cascade import Cascade, CascadeMalformed, decode, made

SALT = b"saltsalt"


def serials(number: int, seed: int = 1) -> list[int]:
    drawn = random.Random(seed)
    return [drawn.getrandbits(64) for _ in range(number)]


def refused_of(cascade: Cascade, some: list[int]) -> int:
    return sum(cascade.refuses(f"{each:016x}") for each in some)


@pytest.mark.parametrize(("refused", "others"), [(0, 0), (0, 9), (9, 0), (1, 1), (300, 30_000)])
def test_all_that_are_refused_are_and_nobody_else(refused: int, others: int) -> None:
    drawn = serials(refused + others)
    cascade = decode(made(drawn[:refused], drawn[refused:], SALT).encode())
    assert refused_of(cascade, drawn[:refused]) == refused
    assert refused_of(cascade, drawn[refused:]) == 0


def test_few_serials_that_are_drawn_later_are_taken_for_refused() -> None:
    drawn = serials(3_000)
    cascade = made(drawn[:30], drawn[30:], SALT)
    assert refused_of(cascade, serials(10_000, seed=2)) < 200


def test_another_salt_is_another_filter() -> None:
    drawn = serials(1_000)
    assert made(drawn[:100], drawn[100:], SALT) != made(drawn[:100], drawn[100:], b"saltsalz")


def test_a_serial_that_is_refused_and_is_not_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="is refused and is not"):
        made([1], [1], SALT)


WHOLE = made([1, 2, 3], range(4, 100), SALT).encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"BPF2" + WHOLE[4:],
        WHOLE[:-1],
        WHOLE + b"\0",
        WHOLE[:15],
        WHOLE[:13] + b"\0" + WHOLE[14:],
    ],
    ids=["empty", "format", "cut", "longer", "cut in a level", "no hashes"],
)
def test_what_is_no_filter_is_refused(raw: bytes) -> None:
    with pytest.raises(CascadeMalformed):
        decode(raw)


def test_fifty_thousand_of_five_million_take_less_than_90_kilobytes(
    pytestconfig: pytest.Config,
) -> None:
    """In the suite a fiftieth of that; the size grows with the number, but for the last levels."""
    part = 1 if pytestconfig.getoption("--long") else 50
    drawn = serials(5_000_000 // part)
    refused, others = drawn[: 50_000 // part], drawn[50_000 // part :]
    cascade = made(refused, others, SALT)
    assert len(cascade.encode()) <= 90_000 / part + 100 * (part > 1)
    assert refused_of(cascade, refused) == len(refused)
    assert refused_of(cascade, others) == 0
