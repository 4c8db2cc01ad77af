"""Names: one form however they are typed, and the forms that were stored before stay good."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.people.names import one_form, writings, wrong_with

DOTS_AT_HAN = [*"·.．․﹒。｡⋅∙⸱ꞏ•・･‧●ᐧ᛫\u0387◦∘⦁⸳"]


@pytest.mark.parametrize("dot", DOTS_AT_HAN)
@pytest.mark.parametrize("written", ["阿依古丽{}买买提", "阿依古丽 {} 买买提·衣明"])
def test_every_dot_between_han_characters_is_the_same(dot: str, written: str) -> None:
    assert one_form(written.format(dot)).replace(" ", "") == written.format("·").replace(" ", "")


def test_a_full_stop_elsewhere_stays_one() -> None:
    assert one_form("J. Smith Jr.") == "J. Smith Jr."
    assert one_form("测试 J.") == "测试 J."


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("测○甲", "测〇甲"),
        ("TEST/ANNA MARIA", "TEST ANNA MARIA"),
        ("TEST<<ANNA<MARIA<<<<", "TEST ANNA MARIA"),
        ("Ｊosé O’Ｂrien", "José O'Brien"),
        ("Jose\u200d\u0301", "José"),
    ],
)
def test_a_name_in_one_form(written: str, form: str) -> None:
    assert one_form(written) == form
    assert wrong_with(form) == []


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (0x3400, 0x4DBF),
        (0x4E00, 0x9FFF),
        (0x20000, 0x2A6DF),
        (0x2A700, 0x2EBEF),
        (0x2EBF0, 0x2EE5D),
        (0x30000, 0x3134A),
        (0x31350, 0x323AF),
        (0x323B0, 0x33479),
    ],
    ids=["A", "unified", "B", "C to F", "I", "G", "H", "J"],
)
def test_a_han_character_is_a_letter_whatever_this_python_knows(first: int, last: int) -> None:
    for each in (first, last):
        assert wrong_with(f"〇{chr(each)}") == []
        assert one_form(f"{chr(each)}.〇") == f"{chr(each)}·〇"


@pytest.mark.parametrize(("length", "faults"), [(1, 1), (2, 0), (70, 0), (71, 1)])
def test_a_name_has_two_to_seventy_letters(length: int, faults: int) -> None:
    assert len(wrong_with("测" * length)) == faults


typed_names = st.text(
    st.sampled_from("测葛〇○𠮷Aé.。·•⋅/<’' -\u3000\u200b\u200d\u0301\ufe00\U000e0100\U00031350")
    | st.characters(),
    max_size=12,
)


@given(typed_names)
def test_a_name_in_one_form_stays_as_it_is(name: str) -> None:
    assert one_form(one_form(name)) == one_form(name)


@given(
    st.lists(st.text("测试〇葛𠮷", min_size=1, max_size=4), min_size=1, max_size=4),
    st.data(),
)
def test_all_ways_of_writing_one_name_have_a_writing_in_common(
    parts: list[str], data: st.DataObject
) -> None:
    written = parts[0]
    for part in parts[1:]:
        written += data.draw(st.sampled_from([*DOTS_AT_HAN, " · ", ". "])) + part
    marks = st.sampled_from(["", "", "\u200b", "\ufe00", "\U000e0101"])
    written = "".join(each + (data.draw(marks) if each != " " else "") for each in written)
    assert writings(one_form(written))[0] == "·".join(parts)


def test_a_name_without_a_dot_has_one_writing() -> None:
    assert writings("测试甲") == ["测试甲"]
    assert writings("阿依·买提") == ["阿依·买提", "阿依.买提"]
