"""Identity: resident ID numbers checked by the standard, sealed, and shown only as masks."""

from dataclasses import replace
from datetime import date

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from passes.base.errors import Invalid
from passes.people.holder import NOBODY
from passes.people.identity import (
    DocumentKind,
    IdentityDocument,
    Sealer,
    check_digit,
    checked_number,
    identify,
    resident,
)
from passes.people.sealing import Vault
from tests.support.build import HOLDER, SEALER, TODAY, id_number
from tests.support.fields import assert_fields


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
        ("测试甲", "11010120990307002X", "date of birth is not possible"),
        ("测试甲", "11010118990307002X", "date of birth is not possible"),
        ("测试甲", "11010119900307002", "17 digits and a check digit"),
        ("测试甲", "1101011990030700二X", "17 digits and a check digit"),
        ("测试甲", "", "17 digits and a check digit"),
        ("甲", "11010119900307002X", "name"),
        ("测试" * 36, "11010119900307002X", "name"),
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
    assert holder.sealed is not None
    assert HOLDER.name.encode() not in holder.sealed.content
    assert HOLDER.number.encode() not in holder.sealed.content
    assert SEALER.seal(HOLDER).sealed != holder.sealed


def test_the_look_up_hash_finds_a_person_and_depends_on_the_pepper() -> None:
    assert SEALER.seal(HOLDER).lookup == SEALER.lookup(HOLDER.number)
    other_pepper = Sealer(Vault({1: bytes(32)}, bytes(32)))
    assert other_pepper.lookup(HOLDER.number) != SEALER.lookup(HOLDER.number)
    others = [
        SEALER.lookup(HOLDER.number, kind, country)
        for kind in DocumentKind
        for country in (None, "FRA", "CHN")
    ]
    assert len(set(others)) == len(others), "the same number in another document is another person"


def test_an_older_key_still_opens_and_the_newest_seals() -> None:
    both = {1: bytes(32), 2: bytes([2]) * 32}
    vault = Vault(both, pepper=bytes(range(32)))
    old = SEALER.seal(HOLDER)
    assert Sealer(vault).open(old) == HOLDER
    assert old.sealed is not None
    renewed = vault.renew(old.sealed, old.lookup)
    assert old.sealed.key_id == 1
    assert renewed.key_id == 2
    assert Sealer(vault).open(replace(old, sealed=renewed)) == HOLDER
    with pytest.raises(KeyError):
        SEALER.open(replace(old, sealed=renewed))
    running = Sealer(Vault({1: bytes(32)}, bytes(range(32)), reload=lambda: both))
    opened = running.open(replace(old, sealed=renewed))
    assert opened == HOLDER, "a key that was made meanwhile is looked for"


def test_a_seal_that_was_moved_to_another_person_does_not_open() -> None:
    mine, other = SEALER.seal(HOLDER), SEALER.seal(resident("测试乙", "11010519491231002X", TODAY))
    with pytest.raises(InvalidTag):
        SEALER.open(replace(mine, sealed=other.sealed))


def test_a_date_of_birth_today_is_possible_and_tomorrow_is_not() -> None:
    def born(day: date) -> str:
        return id_number(f"110101{day:%Y%m%d}002")

    resident("测试婴", born(TODAY), TODAY)
    with pytest.raises(Invalid):
        resident("测试婴", born(date(2026, 7, 2)), TODAY)


HONG_KONG, TAIWAN = id_number("81000019900307002"), id_number("83000019900307002")
SINCE_2023, BEFORE_2023 = id_number("93125019900307002"), "FRA110190030712"


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (DocumentKind.RESIDENT, HOLDER.number),
        (DocumentKind.HMT_RESIDENCE, HONG_KONG),
        (DocumentKind.HMT_RESIDENCE, TAIWAN),
        (DocumentKind.FOREIGN_PERMANENT, SINCE_2023),
        (DocumentKind.FOREIGN_PERMANENT, BEFORE_2023),
    ],
)
def test_each_number_tells_the_date_of_birth_and_suits_no_other_kind(
    kind: DocumentKind, number: str
) -> None:
    identity = identify(IdentityDocument(kind, "Test A", number.lower()), TODAY)
    assert_fields(identity, kind=kind, number=number, born=date(1990, 3, 7))
    assert SEALER.open(SEALER.seal(identity)) == identity
    for other in {*DocumentKind} - {kind}:
        with pytest.raises(Invalid):
            identify(IdentityDocument(other, "Test A", number), TODAY)
    with pytest.raises(Invalid, match="born: stands in the number"):
        identify(IdentityDocument(kind, "Test A", number, born=date(1990, 3, 7)), TODAY)
    with pytest.raises(Invalid, match="country: is said for a passport alone"):
        identify(IdentityDocument(kind, "Test A", number, country="FRA"), TODAY)


@pytest.mark.parametrize(
    ("kind", "number", "written"),
    [
        (DocumentKind.HM_PERMIT, "H12345678", "h12345678"),
        (DocumentKind.HM_PERMIT, "H12345678", "H12345678 01"),
        (DocumentKind.HM_PERMIT, "M00000001", "Ｍ００００００ ０１０３"),
        (DocumentKind.TAIWAN_PERMIT, "00012345", "0001 2345"),
        (DocumentKind.TAIWAN_PERMIT, "00012345", "0001234502"),
        (DocumentKind.TAIWAN_PERMIT, "00012345", "0001234502（B）"),
    ],
)
def test_a_renewed_travel_permit_is_that_of_the_same_person(
    kind: DocumentKind, number: str, written: str
) -> None:
    said = IdentityDocument(kind, "测试甲", written, born=date(1990, 3, 7))
    identity = identify(said, TODAY)
    assert_fields(identity, kind=kind, number=number, born=date(1990, 3, 7), country=None)
    assert checked_number(kind, written, None, TODAY) == number
    assert checked_number(kind, number, None, TODAY) == number
    assert SEALER.open(SEALER.seal(identity)) == identity
    for wrong, where in (
        (replace(said, born=None), "born"),
        (replace(said, country="CHN"), "country"),
        (replace(said, number=written + "0"), "id_number"),
    ):
        with pytest.raises(Invalid) as refused:
            identify(wrong, TODAY)
        assert [fault.where for fault in refused.value.faults] == [where]


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (HONG_KONG, "hmt_residence"),
        (TAIWAN, "hmt_residence"),
        (SINCE_2023, "foreign_permanent"),
        (BEFORE_2023, "foreign_permanent"),
        ("H12345678", "hm_permit"),
        ("12345678", "taiwan_permit"),
    ],
)
def test_a_number_of_another_kind_is_told_its_kind(number: str, kind: str) -> None:
    with pytest.raises(Invalid, match=f"whose kind is {kind}"):
        resident("测试甲", number, TODAY)
    with pytest.raises(Invalid, match=f"whose kind is {kind}"):
        checked_number(DocumentKind.RESIDENT, number, None, TODAY)


NUMBERS = st.text("0123456789HMhX０１Ⅹ（B) \u200b", max_size=20) | st.text(max_size=20)


@given(st.sampled_from(DocumentKind), NUMBERS)
def test_a_number_in_one_form_stays_as_it_is(kind: DocumentKind, written: str) -> None:
    try:
        number = checked_number(kind, written, "FRA", TODAY)
    except Invalid:
        return
    assert checked_number(kind, number, "FRA", TODAY) == number


STORED_BEFORE = [
    # what was said, and the beginnings of the hashes that were stored of it in November 2026
    (
        IdentityDocument(DocumentKind.RESIDENT, "测试甲", "１１０１０１ 19900307 002x"),
        ("9cec425f6b761767", "ca0e9697817292db"),
    ),
    (
        IdentityDocument(DocumentKind.RESIDENT, "阿依古丽•买买提", "11010119900307002X"),
        ("9cec425f6b761767", "2665cdfd7ab63d81"),
    ),
    (
        IdentityDocument(DocumentKind.RESIDENT, "阿依古丽．买买提", "11010119900307002X"),
        ("9cec425f6b761767", "a007a65d43fe3bb5"),
    ),
    (
        IdentityDocument(DocumentKind.RESIDENT, "葛\U000e0100测", "11010119900307002X"),
        ("9cec425f6b761767", "17339c184c98b977"),
    ),
    (
        IdentityDocument(DocumentKind.RESIDENT, " JOHN  O’BRIEN-Smith Jr.", "11010119900307002X"),
        ("9cec425f6b761767", "bdd3cbc90169e3bb"),
    ),
    (
        IdentityDocument(DocumentKind.HMT_RESIDENCE, "Test A", HONG_KONG),
        ("ed0406b061d57b7c", "babd290ffb2f9e66"),
    ),
    (
        IdentityDocument(DocumentKind.FOREIGN_PERMANENT, "Test A", SINCE_2023),
        ("dbc159e0d56d5c25", "11ed0e827c29946b"),
    ),
    (
        IdentityDocument(DocumentKind.FOREIGN_PERMANENT, "Test A", BEFORE_2023.lower()),
        ("a7db2f1b7624c730", "6bec280dcee1a3ec"),
    ),
    (
        IdentityDocument(DocumentKind.PASSPORT, "Test A", "12ab34567", "fra", date(1990, 3, 7)),
        ("02d1a4f20e7bdcca", "94442fc304f47d4a"),
    ),
    (
        IdentityDocument(DocumentKind.PASSPORT, "Test A", "H12345678", "CHN", date(1990, 3, 7)),
        ("bec090c2ce2561a6", "dd254273b0d94287"),
    ),
]


@pytest.mark.parametrize(("said", "stored"), STORED_BEFORE)
def test_who_was_stored_before_is_found_by_the_same_hashes(
    said: IdentityDocument, stored: tuple[str, str]
) -> None:
    holder = SEALER.seal(identify(said, TODAY))
    lookup, name = stored
    assert holder.lookup.startswith(lookup)
    (digest,) = [each for each in holder.name_digest.split() if each.startswith(name)]
    before = replace(holder, name_digest=digest)
    assert before.is_same(holder)
    assert holder.is_same(before)
    assert not before.is_same(replace(holder, name_digest=""))


def test_a_two_digit_year_is_the_newest_that_is_past() -> None:
    for year, born in (("26", 2026), ("27", 1927)):
        identity = identify(
            IdentityDocument(DocumentKind.FOREIGN_PERMANENT, "Test A", f"FRA1101{year}030712"),
            TODAY,
        )
        assert identity.born.year == born


def test_a_passport_needs_its_country_and_the_date_of_birth() -> None:
    said = IdentityDocument(DocumentKind.PASSPORT, "Test A", " 12ab34567", "FRA", date(1990, 3, 7))
    identity = identify(said, TODAY)
    assert identity.number == "12AB34567"
    assert identity.country == "FRA"
    assert SEALER.seal(identity).mask == "T***** 1******67"
    for field, wrong in {
        "id_number": {"number": "AB/123456"},
        "country": {"country": "France"},
        "born": {"born": date(2026, 7, 2)},
        "name": {"name": "T"},
    }.items():
        with pytest.raises(Invalid) as refused:
            identify(replace(said, **wrong), TODAY)  # type: ignore[arg-type]
        assert [fault.where for fault in refused.value.faults] == [field]
    with pytest.raises(Invalid, match="born"):
        identify(replace(said, born=None), TODAY)


def test_somebody_is_14_on_the_14th_birthday() -> None:
    born = resident("测试乙", id_number("11010120120701002"), TODAY)
    assert born.age_on(date(2026, 6, 30)) == 13
    assert born.age_on(TODAY) == 14


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("阿依古丽·买买提", "阿依古丽•买买提"),
        ("阿依古丽·买买提", "阿依古丽・买买提"),
        ("阿依古丽·买买提", "阿依\u200b古丽⋅买买提"),
        ("John O'Brien", " JOHN  O’BRIEN "),
        ("测试甲", "测试 甲"),
        ("Ａｎｎ Lee", "Ann Lee"),
        ("阿依古丽·买买提", "阿依古丽．买买提"),
        ("阿依古丽·买买提·衣明", "阿依古丽.买买提。衣明"),
        ("葛测", "葛\U000e0100测"),
        ("TEST/ANNA MARIA", "Test Anna Maria"),
        ("Anne-Marie O'Test", "Anne‑Marie O‘Test"),
        ("Anne-Marie O'Test", "Anne–Marie O`Test"),
    ],
)
def test_ways_of_writing_one_name_are_one_person(one: str, other: str) -> None:
    first, second = (SEALER.seal(resident(name, HOLDER.number, TODAY)) for name in (one, other))
    assert first.is_same(second)
    assert not first.is_same(SEALER.seal(resident(one + "x", HOLDER.number, TODAY)))


@pytest.mark.parametrize("name", ["..", "·", "- -", "a.", "测·"])
def test_a_name_has_two_letters(name: str) -> None:
    with pytest.raises(Invalid, match="name"):
        resident(name, HOLDER.number, TODAY)


def test_a_passport_is_found_by_a_number_and_a_country_that_can_be_one() -> None:
    found = checked_number(DocumentKind.PASSPORT, " e1234567 ", "FRA", TODAY)
    assert found == "E1234567"
    for number, country, field in (
        ("E1234567", None, "country"),
        ("E1234567", "France", "country"),
        ("E 1", "FRA", "id_number"),
    ):
        with pytest.raises(Invalid) as refused:
            checked_number(DocumentKind.PASSPORT, number, country, TODAY)
        assert [fault.where for fault in refused.value.faults] == [field]


def test_nobody_has_no_real_name_to_be_told() -> None:
    with pytest.raises(ValueError, match="no real name"):
        SEALER.open(NOBODY)


@pytest.mark.parametrize(
    "written",
    [
        "11010119900307002x",
        "110101 19900307 002X",
        "１１０１０１１９９００３０７００２Ｘ",
        "11010119900307002ⅹ",
        "11010119900307002Ⅹ",
        "\ufeff11010119900307002X\u200b",
    ],
    ids=["small", "in groups", "full width", "ⅹ", "Ⅹ", "invisible marks"],
)
def test_a_number_is_found_however_it_is_typed(written: str) -> None:
    assert resident("测试甲", written, TODAY).number == "11010119900307002X"
    assert checked_number(DocumentKind.RESIDENT, written, None, TODAY) == "11010119900307002X"


def test_a_passport_is_found_however_its_country_is_typed() -> None:
    plain = SEALER.lookup("12AB34567", DocumentKind.PASSPORT, "FRA")
    for written in ("fra", " FRA ", "ＦＲＡ"):
        assert SEALER.lookup("12AB34567", DocumentKind.PASSPORT, written) == plain
        assert checked_number(DocumentKind.PASSPORT, "12 ab 34567", written, TODAY) == "12AB34567"


def test_the_country_of_a_passport_is_as_its_machine_readable_lines_write_it() -> None:
    """ICAO Doc 9303 fills up with `<`, and has D for Germany."""
    typed = SEALER.lookup("12AB34567", DocumentKind.PASSPORT, "DEU")
    assert SEALER.lookup("12AB34567", DocumentKind.PASSPORT, "D<<") == typed
    assert checked_number(DocumentKind.PASSPORT, "12AB34567", "D<<", TODAY) == "12AB34567"
