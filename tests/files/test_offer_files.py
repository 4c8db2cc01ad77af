"""Offer files: the shipped examples, how a broken file is refused, and when an offer runs."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import jsonschema
import pytest
import yaml

from passes.base.errors import Invalid
from passes.files.offers import EXAMPLES, offer_schema, read_offers
from passes.offers.offer import OfferState, Quota
from passes.people.groups import UNION_MEMBER, native_of
from passes.terms.prices import BenefitKind, Payment
from scenic_data.checking import load_spots
from scenic_data.files import load_yaml
from tests.support.build import EMEISHAN

FILE = {
    "id": "spring-bogo",
    "title": {"zh": "买一送一", "en": "Buy one, get one free"},
    "benefit": {"kind": "buy_one_get_one"},
    "spots": [EMEISHAN],
    "window": {"from": "2026-07-01", "until": "2026-12-31"},
    "blackout": ["2026-10-01/2026-10-07"],
    "eligible": [{"native_of": "chongqing"}, "union_member"],
    "quota": {"total": 1200, "per_day": 20},
    "voucher": {"valid_days": 30},
}


def written(tmp_path: Path, content: object) -> Path:
    file = tmp_path / "offers.yaml"
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return file


def test_an_offer_is_read(tmp_path: Path) -> None:
    (offer,) = read_offers([written(tmp_path, FILE)])
    assert offer.id == "spring-bogo"
    assert offer.voucher_days == 30
    assert offer.spots == {EMEISHAN}
    assert offer.benefit.kind is BenefitKind.BUY_ONE_GET_ONE
    assert offer.eligible == {native_of("chongqing"), UNION_MEMBER}
    assert offer.quota == Quota(total=1200, per_day=20, per_spot_day=None, per_person=1)
    assert offer.payment is Payment.AT_WINDOW


@pytest.mark.parametrize(
    ("day", "runs"),
    [
        (date(2026, 6, 30), False),
        (date(2026, 7, 1), True),
        (date(2026, 9, 30), True),
        (date(2026, 10, 1), False),
        (date(2026, 10, 7), False),
        (date(2026, 12, 31), True),
        (date(2027, 1, 1), False),
    ],
)
def test_when_an_offer_runs(tmp_path: Path, day: date, runs: bool) -> None:
    (offer,) = read_offers([written(tmp_path, FILE)])
    assert offer.runs_on(day) is runs
    assert not replace(offer, state=OfferState.PAUSED).runs_on(day)
    assert not replace(offer, state=OfferState.ENDED).runs_on(day)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            {"benefit": {"kind": "percent"}},
            "offers.yaml: benefit: give `percent` for the kind percent",
        ),
        (
            {"benefit": {"kind": "free", "percent": 5}},
            "offers.yaml: benefit: give `percent` for the kind percent",
        ),
        ({"benefit": {"kind": "percent", "percent": 100}}, "offers.yaml: benefit.percent: "),
        ({"spots": []}, "offers.yaml: spots: "),
        (
            {"window": {"from": "2026-12-31", "until": "2026-07-01"}},
            "offers.yaml: window: it ends before it begins",
        ),
        ({"window": {"from": "2026-07-01"}}, "offers.yaml: window.until: is missing"),
        ({"blackout": ["soon"]}, "offers.yaml: blackout.0: write days as"),
        ({"eligible": []}, "offers.yaml: eligible: "),
        ({"eligible": ["everybody"]}, "offers.yaml: eligible.0"),
        ({"eligible": [{"native_of": "hubei"}]}, "offers.yaml: eligible.0"),
        (
            {"quota": {"total": 10, "per_day": 20}},
            "offers.yaml: quota: per_day is more than the total",
        ),
        ({"quota": {"total": 0}}, "offers.yaml: quota.total: "),
        ({"voucher": {"valid_days": 0}}, "offers.yaml: voucher.valid_days: "),
        (
            {"real_name": False},
            "offers.yaml: record: without real_name it can only be for anyone",
        ),
        ({"colour": "red"}, "offers.yaml: colour: is not known here"),
    ],
)
def test_a_broken_offer_is_refused_naming_file_and_field(
    tmp_path: Path, changes: dict[str, object], fault: str
) -> None:
    with pytest.raises(Invalid) as refused:
        read_offers([written(tmp_path, FILE | changes)])
    assert any(str(told).startswith(fault) for told in refused.value.faults), refused.value.faults


def test_of_many_offers_in_one_file_the_broken_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        read_offers([written(tmp_path, [FILE, FILE | {"id": "The Second"}, 3])])
    assert [fault.where for fault in refused.value.faults] == [
        "offers.yaml: record 2: id",
        "offers.yaml: record 3: record",
    ]


def test_the_examples_name_real_spots_and_say_that_they_are_examples() -> None:
    offers = read_offers(sorted(EXAMPLES.glob("*.yaml")))
    assert {offer.id for offer in offers} >= {"emeishan-bogo-example"}
    assert all(offer.example and "示例" in offer.title.zh for offer in offers)
    named = frozenset().union(*(offer.spots for offer in offers))
    assert named <= {spot.id for spot in load_spots()}


def test_the_schema_for_editors_is_that_of_the_code_and_fits_the_examples() -> None:
    file = EXAMPLES.parent / "offer.schema.json"
    assert file.read_text(encoding="utf-8") == offer_schema(), (
        "run: python -m scripts offers schema > " + str(file)
    )
    validator = jsonschema.Draft202012Validator(json.loads(offer_schema()))
    for example in EXAMPLES.glob("*.yaml"):
        for record in load_yaml(example):
            validator.validate(record)
    assert not validator.is_valid(FILE | {"spots": []})
