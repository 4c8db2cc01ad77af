"""Product files: the shipped example, and how a broken file is refused."""

import json
from datetime import date
from pathlib import Path

import jsonschema
import pytest
import yaml

from passes.base.errors import Invalid
from passes.files.products import EXAMPLES, product_schema, read_products
from passes.terms.times import Blackout
from passes.terms.validity import DateRange
from scenic_data.checking import load_spots
from scenic_data.files import load_yaml
from scenic_data.reference import Reference
from scenic_data.snapshot import Snapshot
from tests.support.build import EMEISHAN, XIANNVSHAN

FILE = {
    "id": "spring-2026",
    "title": {"zh": "春季票", "en": "Spring pass"},
    "term": {"dates": "2026-03-01/2026-05-31"},
    "coverage": {"spots": [EMEISHAN]},
}


def written(tmp_path: Path, **changes: object) -> Path:
    file = tmp_path / "spring.yaml"
    content = {name: value for name, value in (FILE | changes).items() if value != "absent"}
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return file


def test_the_example_annual_pass_opens_more_than_100_real_spots() -> None:
    (annual,) = read_products(EXAMPLES.glob("*.yaml"))
    assert annual.example
    assert annual.terms.term.days == 365
    assert annual.terms.limits.per_spot_day == 1
    spots = Snapshot(load_spots(), Reference.load()).all()
    covered = [spot for spot in spots if annual.terms.coverage.covers(spot)]
    named = annual.terms.coverage.spots
    assert len(named) > 100
    assert all(spot.id in named or spot.part_of in named for spot in covered)
    assert named <= {spot.id for spot in covered}
    assert {EMEISHAN, XIANNVSHAN, "dujiangyan", "qingchengshan-qianshan"} <= {
        spot.id for spot in covered
    }
    assert {spot.province for spot in covered} == {"sichuan", "chongqing"}


def test_a_file_becomes_a_draft(tmp_path: Path) -> None:
    blackout = {"dates": ["2026-05-01/2026-05-05", "2026-04-05"], "weekdays": [6, 7]}
    (draft,) = read_products([written(tmp_path, blackout=blackout)])
    assert draft.terms.term.dates == DateRange(date(2026, 3, 1), date(2026, 5, 31))
    assert draft.terms.blackout == Blackout(
        (
            DateRange(date(2026, 5, 1), date(2026, 5, 5)),
            DateRange(date(2026, 4, 5), date(2026, 4, 5)),
        ),
        frozenset({6, 7}),
    )
    assert draft.number == 0
    assert draft.version == 0


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"term": {}}, "spring.yaml: term: .*either `dates`, or some of"),
        (
            {"term": {"days": 1, "dates": "2026-03-01"}},
            "spring.yaml: term: .*either `dates`, or some of",
        ),
        (
            {"term": {"dates": "2026-05-01/2026-03-01"}},
            "spring.yaml: term.dates: .*ends before it begins",
        ),
        ({"term": {"dates": "soon"}}, "spring.yaml: term.dates: write days as"),
        ({"term": {"dates": "1999-01-01"}}, "spring.yaml: term.dates.start: "),
        ({"term": {"days": 0}}, "spring.yaml: term.days: "),
        (
            {"term": {"dates": "2026-03-01", "activate_within": 30}},
            "spring.yaml: term: .*`activate_within` does not go with `dates`",
        ),
        (
            {"party": {"admits": 1, "pays": 2}},
            "spring.yaml: party: .*more people pay than are admitted",
        ),
        ({"party": {"admits": 256}}, "spring.yaml: party.admits: "),
        ({"limits": {"per_spot_day": 0}}, "spring.yaml: limits.per_spot_day: "),
        ({"limits": {"per_spot_dya": 1}}, "spring.yaml: limits.per_spot_dya: is not known here"),
        ({"blackout": {"weekdays": [8]}}, "spring.yaml: blackout.weekdays.0: "),
        ({"title": "absent"}, "spring.yaml: title: is missing"),
        ({"id": "Spring 2026"}, "spring.yaml: id: write small letters"),
        ({"price_fen": 99.5}, "spring.yaml: price_fen: "),
        ({"price_fen": 199.0}, "spring.yaml: price_fen: write whole fen"),
        ({"price_fen": "199"}, "spring.yaml: price_fen: "),
        ({"price_fen": True}, "spring.yaml: price_fen: "),
        ({"limits": {"per_spot": True}}, "spring.yaml: limits.per_spot: "),
        ({"limits": {"minutes_between": "1:30"}}, "spring.yaml: limits.minutes_between: "),
        ({"party": {"admits": "2"}}, "spring.yaml: party.admits: "),
        ({"term": {"dates": "2026-12-01/"}}, "spring.yaml: term.dates: write days as"),
        ({"term": {"dates": "1796083200"}}, "spring.yaml: term.dates: write days as"),
        ({"term": {"dates": "2026-02-30"}}, "spring.yaml: term.dates.start: "),
        ({"term": {"dates": "2026-01-01/2199-12-31"}}, "spring.yaml: term.dates.end: "),
        ({"payment": "later"}, "spring.yaml: payment: "),
    ],
)
def test_a_broken_file_is_refused_naming_file_and_field(
    tmp_path: Path, changes: dict[str, object], fault: str
) -> None:
    with pytest.raises(Invalid, match=fault):
        read_products([written(tmp_path, **changes)])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("id: a\nterm: {dates: 2026-02-30}", "spring.yaml: term.dates.start: "),
        ("id: yes\nprice_fen: yes", "spring.yaml: price_fen: "),
        ("price_fen: " + "9" * 5000, "spring.yaml: price_fen: "),
        ('id: !!bool "abc"', "spring.yaml: this cannot be read as YAML"),
        ('id: !!timestamp "abc"', "spring.yaml: this cannot be read as YAML"),
        ("id: !!python/name:os.system x", "spring.yaml: this cannot be read as YAML in line 1"),
        ("a: &a [*a]", "spring.yaml: a: is not known here"),
        ("[]", "spring.yaml: there is no record"),
        (
            "[" * 100_000,
            "spring.yaml: this cannot be read as YAML: it is nested more than 50 levels deep",
        ),
        ("a:\n  b: 1\n c: 2", "spring.yaml: this cannot be read as YAML in line 3"),
    ],
)
def test_whatever_stands_in_a_file_it_is_refused_in_words(
    tmp_path: Path, text: str, fault: str
) -> None:
    (tmp_path / "spring.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(Invalid, match=fault):
        read_products([tmp_path / "spring.yaml"])


def test_a_missing_or_unreadable_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.yaml").write_text("- 1", encoding="utf-8")
    with pytest.raises(Invalid) as refused:
        read_products([tmp_path / "nothing.yaml", tmp_path / "list.yaml", tmp_path])
    assert [fault.where.partition(":")[0] for fault in refused.value.faults] == [
        "nothing.yaml",
        "list.yaml",
        tmp_path.name,
    ]


def test_the_schema_for_editors_is_that_of_the_code_and_fits_the_example() -> None:
    file = EXAMPLES.parent / "product.schema.json"
    assert file.read_text(encoding="utf-8") == product_schema(), (
        "run: python -m scripts products schema > " + str(file)
    )
    validator = jsonschema.Draft202012Validator(json.loads(product_schema()))
    for example in EXAMPLES.glob("*.yaml"):
        validator.validate(load_yaml(example))
    assert not validator.is_valid(FILE | {"term": {"dates": "soon"}})
    assert validator.is_valid(FILE)
