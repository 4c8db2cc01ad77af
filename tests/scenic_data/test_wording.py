"""Wording: one form for everything that is compared, and readings that no dictionary has alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opencc import OpenCC
from pypinyin import Style, pinyin

from scenic_data.checking import load_spots
from scenic_data.reference import Reference
from scenic_data.wording import LONGEST, joined, other_readings, syllables, words

PLACES = Reference.load().places


@pytest.mark.parametrize(
    ("typed", "form"),
    [
        ("  Lǜ·ＡＢＣ—Shu’s 熊猫！ ", ["lv", "abc", "shus", "熊猫"]),
        ("É méi  shān", ["e", "mei", "shan"]),
        ("峨\u200b眉\ufeff山", ["峨眉山"]),  # characters that only format
        ("峨眉山\u00a0景区", ["峨眉山", "景区"]),
        ("５Ａ景区", ["5a景区"]),
        ("重慶", ["重庆"]),
        ("長壽湖", ["长寿湖"]),
        ("犍爲", ["犍为"]),
        ("臺兒溝", ["台儿沟"]),
        ("乾坤灣", ["乾坤湾"]),  # by phrases: only 乾淨 is 干净
        ("龍門\uf900", ["龙门岂"]),  # a compatibility ideograph
        ("", []),
        ("!?—", []),
    ],
)
def test_text_is_brought_to_one_form(typed: str, form: list[str]) -> None:
    assert words(typed) == form
    assert joined(typed) == "".join(form)


@given(st.text(max_size=300))
def test_the_form_is_bounded_whatever_is_typed(typed: str) -> None:
    assert len(joined(typed)) <= 4 * LONGEST


def test_one_character_that_spells_out_as_eighteen_does_not_make_a_long_text() -> None:
    assert len(joined("\ufdfa" * 80)) <= LONGEST


def test_every_name_of_the_catalogue_has_the_form_of_its_traditional_spelling() -> None:
    traditional = OpenCC("s2t").convert
    for spot in load_spots():
        for name in (spot.name.zh, *spot.aliases):
            assert joined(traditional(name)) == joined(name), name


@pytest.mark.parametrize(
    ("chinese", "reading"),
    [
        ("重庆", "zhongqing"),
        ("长宁", "changning"),
        ("郫都", "pidu"),
        ("犍为", "jianwei"),
        ("乐山", "yueshan"),
    ],
)
def test_a_polyphonic_character_has_all_its_readings(chinese: str, reading: str) -> None:
    usual = syllables(chinese)
    readings = {"".join(spoken) for _, spoken in other_readings(chinese, usual)}
    assert reading in readings | {"".join(usual)}


@pytest.mark.parametrize(
    ("district", "pinyin"),
    [
        ("丰都", "fengdu"),
        ("新都", "xindu"),
        ("郫都", "pidu"),
        ("什邡", "shifang"),
        ("长宁", "changning"),
        ("筠连", "junlian"),
        ("荥经", "yingjing"),
    ],
)
def test_seven_districts_that_dictionaries_misread(district: str, pinyin: str) -> None:
    assert "".join(syllables(district)) != pinyin, "then this row is of no use any more"
    by_name = PLACES.districts(district)
    assert by_name != frozenset()
    assert PLACES.districts(pinyin) == by_name


def test_every_place_has_a_pinyin_that_its_characters_can_have() -> None:
    for row in PLACES.rows():
        assert row.pinyin in _spellings(row.name), row


def _spellings(name: str) -> set[str]:
    """All that a name, or the beginning of a name, can be read as by a dictionary of characters."""
    spellings, every = {""}, set()
    for character in name:
        readings = pinyin(character, style=Style.NORMAL, heteronym=True)[0]
        spellings = {spelling + reading for spelling in spellings for reading in readings}
        every |= spellings
    return every
