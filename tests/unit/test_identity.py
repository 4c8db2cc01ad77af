"""Identity: resident ID numbers checked by the standard, sealed, and shown only as masks."""

from datetime import date

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from passes.errors import Invalid
from passes.identity import Identity, Sealer, check_digit, resident
from tests.build import HOLDER, SEALER, TODAY


def test_the_published_example_of_the_check_digit() -> None:
    """11010519491231002X is the example of the standard (GB 11643-1999)."""
    assert check_digit("11010519491231002") == "X"
    assert check_digit("44052418800101001") == "4"


def test_a_number_is_tidied_before_it_is_checked() -> None:
    assert resident(" 测试甲 ", " 11010119900307002x\n", TODAY) == HOLDER


@pytest.mark.parametrize(
    ("name", "number", "fault"),
    [
        ("测试甲", "110101199003070020", "check digit is wrong"),
        ("测试甲", "110101199013070029", "date of birth in it does not exist"),
        ("测试甲", "11010120990307002X", "date of birth in it is not possible"),
        ("测试甲", "11010118990307002X", "date of birth in it is not possible"),
        ("测试甲", "11010119900307002", "17 digits and a check digit"),
        ("测试甲", "1101011990030700２X", "17 digits and a check digit"),
        ("测试甲", "", "17 digits and a check digit"),
        ("甲", "11010119900307002X", "name"),
        ("测试" * 30, "11010119900307002X", "name"),
        ("测试<script>", "11010119900307002X", "name"),
        ("测试\x00甲", "11010119900307002X", "name"),
    ],
)
def test_a_wrong_identity_is_refused_naming_the_field(name: str, number: str, fault: str) -> None:
    with pytest.raises(Invalid, match=fault):
        resident(name, number, TODAY)


def test_a_refusal_does_not_repeat_the_number() -> None:
    with pytest.raises(Invalid) as refused:
        resident("测试甲", "110101199003070020", TODAY)
    assert "11010119900307" not in str(refused.value)


@given(st.integers(0, 9), st.integers(0, 16))
def test_any_single_wrong_digit_is_found(digit: int, place: int) -> None:
    number = HOLDER.number
    changed = number[:place] + str(digit) + number[place + 1 :]
    if changed != number:
        with pytest.raises(Invalid):
            resident(HOLDER.name, changed, TODAY)


def test_what_is_sealed_opens_and_shows_only_masks() -> None:
    holder = SEALER.seal(HOLDER)
    assert SEALER.open(holder) == HOLDER
    assert holder.mask == "测** 110***********002X"
    assert HOLDER.name.encode() not in holder.sealed
    assert HOLDER.number.encode() not in holder.sealed
    assert SEALER.seal(HOLDER).sealed != holder.sealed


def test_the_look_up_hash_finds_a_person_and_depends_on_the_pepper() -> None:
    assert SEALER.seal(HOLDER).lookup == SEALER.lookup(HOLDER.number)
    assert Sealer({1: bytes(32)}, bytes(32)).lookup(HOLDER.number) != SEALER.lookup(HOLDER.number)


def test_an_older_key_still_opens_and_the_newest_seals() -> None:
    newer = Sealer({1: bytes(32), 2: bytes([2]) * 32}, pepper=bytes(range(32)))
    assert newer.open(SEALER.seal(HOLDER)) == HOLDER
    assert newer.seal(HOLDER).key_id == 2


def test_a_seal_that_was_moved_to_another_person_does_not_open() -> None:
    mine, other = SEALER.seal(HOLDER), SEALER.seal(Identity("测试乙", "11010519491231002X"))
    with pytest.raises(InvalidTag):
        SEALER.open(type(mine)(other.sealed, 1, mine.lookup, mine.name_mask, mine.number_mask))


def test_a_date_of_birth_today_is_possible_and_tomorrow_is_not() -> None:
    def born(day: date) -> str:
        first17 = f"110101{day:%Y%m%d}002"
        return first17 + check_digit(first17)

    resident("测试婴", born(TODAY), TODAY)
    with pytest.raises(Invalid):
        resident("测试婴", born(date(2026, 7, 2)), TODAY)
