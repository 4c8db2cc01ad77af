"""Doubts and words: what of a spot is shown with care, and how rules of free entry are said."""

from typing import Any

import pytest

from scenic_data.doubts import Doubt, doubts
from scenic_data.kinds import FreeEntry, Kind
from scenic_data.model import Precision
from scenic_data.reference import Source
from scenic_data.words import DOUBTS, KINDS, POSITION_NOTES, free_entry
from tests.support.build import spot

SOURCES = {
    "new": Source(title="new", date="2025-06"),
    "old": Source(title="old", date="2024-12-31"),
    "undated": Source(title="undated"),
}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, {}),
        ({"sources": {"price": "new"}}, {}),
        ({"sources": {"price": "old"}}, {"price": (Doubt.OLD, "2024-12-31")}),
        ({"sources": {"price": ["old", "new"]}}, {}),
        ({"sources": {"price": "undated"}}, {}),
        ({"sources": {"price": "of an operator"}}, {}),
        ({"sources": {"level": "old"}}, {}),
        (
            {"sources": {"hours": "undated"}, "confidence": {"hours": "low"}},
            {"hours": (Doubt.UNSURE, None)},
        ),
        (
            {"sources": {"phone": "new"}, "confidence": {"phone": "low"}},
            {"phone": (Doubt.UNSURE, "2025-06")},
        ),
        ({"sources": {"phone": "new"}, "confidence": {"phone": "medium"}}, {}),
        (
            {
                "sources": {"position": "old"},
                "confidence": {"position": "high"},
                "position": {"lng": 103.4, "lat": 29.5, "precision": "district"},
            },
            {"position": (Doubt.COARSE, "2024-12-31")},
        ),
    ],
)
def test_what_is_doubtful(changes: dict[str, Any], told: dict[str, object]) -> None:
    assert doubts(spot(as_of="2026-11-25", **changes), SOURCES) == told


def test_everything_that_people_read_has_words() -> None:
    assert KINDS.keys() == set(Kind)
    assert DOUBTS.keys() == set(Doubt)
    assert POSITION_NOTES.keys() == set(Precision) - {Precision.SPOT}


@pytest.mark.parametrize(
    ("rule", "zh", "en"),
    [
        (
            {"who": "children", "to_age": 6, "to_cm": 120},
            "6周岁（含）以下或身高1.2米（含）以下儿童免费",
            "children enter free up to 6 years old or up to 120 cm tall",
        ),
        (
            {"who": "seniors", "from_age": 60, "to_age": 64, "not_on_holidays": True},
            "60至64周岁老年人免费（法定节假日除外）",
            "seniors enter free aged 60 to 64, not on statutory holidays",
        ),
        (
            {"who": "seniors", "from_age": 65},
            "65周岁（含）以上老年人免费",
            "seniors enter free aged 65 and over",
        ),
        ({"who": "soldiers"}, "现役军人免费", "soldiers on active duty enter free"),
    ],
)
def test_a_rule_of_free_entry_in_words(rule: dict[str, Any], zh: str, en: str) -> None:
    words = free_entry(FreeEntry.model_validate(rule))
    assert words.zh == zh
    assert words.en == en
