"""Phone numbers: with their country, and more hidden than shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.people.phones import e164, masked, typed_e164, with_country


@pytest.mark.parametrize(
    ("country_code", "number", "made"),
    [
        ("86", "10012345678", "+8610012345678"),
        ("+852", "0123 4567", "+85201234567"),
        ("1", "(212) 555-0100", "+12125550100"),
        ("８６", " １００１２３４５６７８", "+8610012345678"),
    ],
)
def test_a_number_with_its_country_is_one_text(country_code: str, number: str, made: str) -> None:
    assert e164(country_code, number) == made
    assert with_country(made) == made


@pytest.mark.parametrize(
    ("country_code", "number"),
    [("", "10012345678"), ("0", "123456"), ("8620", "123456"), ("86", ""), ("86", "x"),
     ("86", "1" * 14)],
)  # fmt: skip
def test_what_is_no_number_is_refused_and_not_repeated(country_code: str, number: str) -> None:
    with pytest.raises(ValueError, match="no phone number with its country") as refused:
        e164(country_code, number)
    assert len(number) < 2 or number not in str(refused.value)


def test_a_number_stored_without_its_country_is_of_the_mainland() -> None:
    assert with_country("10012345678") == "+8610012345678"


@pytest.mark.parametrize(
    ("number", "mask"),
    [
        ("+8610012345678", "+8610*******78"),
        ("+85201234567", "+852******67"),
        ("+12125550100", "+121******00"),
        ("+29012", "+***12"),
    ],
)
def test_of_a_number_only_its_ends_are_shown(number: str, mask: str) -> None:
    assert masked(number) == mask


@given(st.integers(10**4, 10**15 - 1))
def test_a_mask_hides_at_least_half_of_the_digits(digits: int) -> None:
    mask = masked(f"+{digits}")
    assert len(mask) == len(str(digits)) + 1
    assert 2 * mask.count("*") >= len(str(digits))


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("13800000000", "+8613800000000"),
        ("１３８ 0000-0000", "+8613800000000"),
        ("+86 138 0000 0000", "+8613800000000"),
        ("0085291234567", "+85291234567"),
    ],
)
def test_an_operator_types_a_number_as_people_say_it(written: str, number: str) -> None:
    assert typed_e164(written) == number


@pytest.mark.parametrize("written", ["", "12", "91234567", "+0123456", "手机"])
def test_a_number_without_a_country_is_not_guessed(written: str) -> None:
    with pytest.raises(ValueError, match="no phone number"):
        typed_e164(written)
