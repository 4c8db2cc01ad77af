"""Holiday files: the shipped years, and how a broken file is refused."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from passes.base.errors import Invalid
from passes.files.holidays import SHIPPED, read_holidays
from passes.terms.holidays import Holiday, HolidayCalendar
from scenic_data.files import load_yaml


def changed(tmp_path: Path, **changes: object) -> Path:
    """The shipped file with other fields in 2026; one that is None is left out."""
    year: dict[str, Any] = {**load_yaml(SHIPPED)[2026], **changes}
    kept = {name: value for name, value in year.items() if value is not None}
    file = tmp_path / "holidays.yaml"
    file.write_text(yaml.safe_dump({2026: kept}, allow_unicode=True), encoding="utf-8")
    return file


def test_2026_has_the_33_days_off_of_the_notice() -> None:
    years = read_holidays(SHIPPED)
    calendar = HolidayCalendar({each.year: each for each in years})
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert sum(1 for day in days if calendar.names_on(day)) == 33
    assert calendar.names_on(date(2026, 10, 7)) == {Holiday.NATIONAL_DAY}
    assert calendar.names_on(date(2026, 10, 8)) == frozenset()
    assert not calendar.knows(2027)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"source": None}, "source"),
        ({"qingming": None}, "qingming"),
        ({"golden_week": "2026-10-01"}, "golden_week"),
        ({"new_year": "2027-01-01/2027-01-03"}, "does not lie in that year"),
        ({"new_year": "2026-01-03/2026-01-01"}, "ends before it begins"),
    ],
)
def test_a_broken_year_is_refused_by_field(
    tmp_path: Path, changes: dict[str, object], named: str
) -> None:
    with pytest.raises(Invalid) as refused:
        read_holidays(changed(tmp_path, **changes))
    assert named in str([str(fault) for fault in refused.value.faults])
