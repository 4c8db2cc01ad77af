"""Examples are published only where they are asked for."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from server.mongo import Mongo
from server.settings import load_settings
from server.system import System, open_system
from tests.support.build import NOW

OURS = "mongodb://127.0.0.1/bashu"
LONG_AFTER = datetime(2080, 1, 1, tzinfo=UTC)


async def opened(mongo: Mongo, data_dir: Path, now: datetime = NOW, **settings: Any) -> System:
    """A system over a database that was never used."""
    return await open_system(load_settings(data_dir=data_dir, **settings), mongo, now, serves=False)


def examples(system: System) -> tuple[list[str], list[str]]:
    """The products and offers that are published."""
    editions = system.terms.editions.all_current()
    products = [each.product_id for each in editions if not each.offer]
    return products, [offer.id for offer in system.offers.offers.all()]


@pytest.mark.parametrize(
    ("settings", "published"),
    [
        ({}, True),
        ({"examples": False}, False),
        ({"mongo_uri": OURS}, False),
        ({"mongo_uri": OURS, "examples": True}, True),
    ],
)
async def test_only_the_embedded_database_gets_examples_unasked(
    mongo: Mongo, tmp_path: Path, settings: dict[str, Any], published: bool
) -> None:
    system = await opened(mongo, tmp_path, **settings)
    products, offers = examples(system)
    assert ("bashu-annual-example" in products) is published
    assert ("emeishan-bogo-example" in offers) is published
    assert len(list(system.catalogue.ids())) == 740


async def test_examples_whose_days_are_over_do_not_keep_a_system_from_starting(
    mongo: Mongo, tmp_path: Path
) -> None:
    products, offers = examples(await opened(mongo, tmp_path, now=LONG_AFTER))
    assert products == ["bashu-annual-example"]
    assert offers == []


async def test_a_later_start_publishes_nothing(mongo: Mongo, tmp_path: Path) -> None:
    await opened(mongo, tmp_path, examples=False)
    assert examples(await opened(mongo, tmp_path, examples=True)) == ([], [])
