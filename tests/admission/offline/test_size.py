"""How much a bundle says of a spot in a campaign of all spots, beside twenty products."""

from dataclasses import replace
from datetime import timedelta

from passes.admission.offline.bundle import DAYS, sign
from passes.admission.offline.flatten import flattened
from passes.offers.offer import Quota
from passes.terms.holidays import NO_HOLIDAYS
from passes.terms.terms import Limits
from scenic_data.checking import load_spots
from tests.support import build, bundles
from tests.support.build import EMEISHAN, TODAY


def test_a_campaign_of_284_spots_and_20_products_take_a_few_kilobytes() -> None:
    spots = {spot.id: spot for spot in load_spots()}
    covered = frozenset([EMEISHAN, *sorted(spots)[:283]])
    campaign = build.offer(
        spots=covered,
        limits=Limits(per_spot=1),
        catalogue_prices=True,
        quota=Quota(total=500_000, per_spot_day=200),
    )
    drafts = [campaign.voucher(), *(build.product(f"annual-{n}") for n in range(20))]
    editions = [
        replace(draft, number=n, version=1, spots=covered) for n, draft in enumerate(drafts, 1)
    ]
    days = [TODAY + timedelta(days=n) for n in range(DAYS)]
    rules = flattened(spots[EMEISHAN], editions, NO_HOLIDAYS, None, days)
    parts = sign(bundles.bundle(rules=rules), bundles.BUNDLE_KEY).parts
    assert len(rules.editions) == 21
    assert len(parts["rules"]) < 4_000
    assert sum(map(len, parts.values())) < 6_000
