"""Nativity: what the first six digits of a resident ID number mean for somebody born in a year."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.people.identity import DocumentKind, Identity, IdentityDocument, identify, resident
from passes.people.nativity import native_of
from tests.support.build import HOLDER, TODAY, id_number

BORN = st.dates(date(1900, 1, 1), TODAY)


def holder(prefix: str, born: date) -> Identity:
    return resident("测试甲", id_number(f"{prefix}{born:%Y%m%d}002"), TODAY)


def native(prefix: str, year: int) -> str | None:
    """The answer for whoever was born on the first or the last day of a year: it must be one."""
    first_day, last_day = date(year, 1, 1), min(date(year, 12, 31), TODAY)
    (answer,) = {native_of(holder(prefix, born)) for born in (first_day, last_day)}
    return answer


@pytest.mark.parametrize("year", [1900, 1950, 1981, 1996, 1997, 1998, 2026])
@pytest.mark.parametrize("prefix", ["500101", "500103", "500243", "500384"])
def test_a_code_of_chongqing_is_chongqing_whenever_its_holder_was_born(
    prefix: str, year: int
) -> None:
    assert native(prefix, year) == "chongqing"


@pytest.mark.parametrize(
    ("prefix", "last"),
    [
        *[
            (f"5102{area}", 1997) for area in ("01", "02", "19", "21", "32", "81", "83")
        ],  # Chongqing
        *[(f"5112{area}", 1997) for area in ("02", "04", "21", "28")],  # Wanxian City
        *[(f"5122{area}", 1997) for area in ("01", "21", "29")],  # Wanxian Prefecture
        *[(f"5123{area}", 1997) for area in ("01", "02", "21", "30")],  # Fuling Prefecture
        *[(f"5135{area}", 1997) for area in ("21", "25")],  # Qianjiang Prefecture
        *[(f"5170{area}", 1997) for area in ("02", "03", "21", "23", "81")],  # Fuling City
        *[(code, 1997) for code in ("519005", "519006", "519007")],  # Yongchuan, Hechuan, Jiangjin
        *[(code, 1997) for code in ("511403", "511481")],  # Lidu; Nanchuan
        *[
            (code, 1983) for code in ("511402", "511421", "511422", "511423")
        ],  # Fuling City, then Meishan
    ],
)
def test_an_old_code_is_chongqing_up_to_a_year_of_birth_and_sichuan_after(
    prefix: str, last: int
) -> None:
    for year in (1900, 1930, 1968, 1981, 1982, 1983, last):
        assert native(prefix, year) == "chongqing"
    for year in (last + 1, 2000, 2014, 2026):
        assert native(prefix, year) == "sichuan"


@pytest.mark.parametrize("year", [1900, 1968, 1981, 1982, 1984, 1992, 1997, 2000, 2026])
@pytest.mark.parametrize(
    "prefix",
    [
        *["510104", "510322", "511028", "511181", "511302", "511502", "513623"],  # always Sichuan's
        *["511424", "511425"],  # Meishan, never Fuling
        *[
            "512621",
            "512721",
            "512821",
            "512121",
        ],  # Chongqing's areas, but only before there were numbers
        *["519004", "519008"],  # Emeishan and Langzhong, beside Yongchuan and Jiangjin
        *["513421", "513621", "512421", "512921"],  # beside old codes
    ],
)
def test_every_other_code_that_begins_with_51_is_sichuan(prefix: str, year: int) -> None:
    assert native(prefix, year) == "sichuan"


@pytest.mark.parametrize(
    "prefix", ["110101", "420528", "520321", "610724", "150203", "350102", "451021", "710000"]
)
def test_other_provinces_are_neither(prefix: str) -> None:
    assert native(prefix, 1990) is None
    assert native_of(HOLDER) is None


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (DocumentKind.HMT_RESIDENCE, "81000019900307002"),
        (DocumentKind.FOREIGN_PERMANENT, "95002519900307002"),
        (DocumentKind.FOREIGN_PERMANENT, "95102519900307002"),
    ],
)
def test_other_documents_tell_nothing(kind: DocumentKind, number: str) -> None:
    said = IdentityDocument(kind, "测试甲", id_number(number))
    assert native_of(identify(said, TODAY)) is None


@pytest.mark.parametrize("number", ["500103199", "510202199003070"])
def test_a_passport_tells_nothing_whatever_its_number_looks_like(number: str) -> None:
    said = IdentityDocument(
        DocumentKind.PASSPORT, "测试甲", number, country="FRA", born=date(1990, 3, 7)
    )
    assert native_of(identify(said, TODAY)) is None


@given(st.from_regex(r"[1-7][0-9]{5}", fullmatch=True), BORN)
def test_any_checked_number_has_an_answer_and_only_50_and_51_have_a_place(
    prefix: str, born: date
) -> None:
    of_sichuan_or_chongqing = prefix[:2] in {"50", "51"}
    native = native_of(holder(prefix, born))
    assert (native is not None) is of_sichuan_or_chongqing


@given(st.from_regex(r"5[01][0-9]{4}", fullmatch=True), BORN, BORN)
def test_a_code_only_ever_passes_from_chongqing_to_sichuan(
    prefix: str, one: date, other: date
) -> None:
    older, younger = (native_of(holder(prefix, born)) for born in sorted((one, other)))
    assert {older, younger} <= {"chongqing", "sichuan"}
    assert [older, younger] != ["sichuan", "chongqing"]
