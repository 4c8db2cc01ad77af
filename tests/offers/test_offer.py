"""An offer: whom a voucher admits, and what they pay, in whole fen."""

import pytest

from passes.terms.prices import Benefit, BenefitKind, Party
from tests.support import build

FREE = Benefit(BenefitKind.FREE)
BUY_ONE = Benefit(BenefitKind.BUY_ONE_GET_ONE)
THIRD_OFF = Benefit(BenefitKind.PERCENT, percent=33)


@pytest.mark.parametrize(
    ("benefit", "price_fen", "party"),
    [
        (FREE, 16000, Party(admits=1, pays=0)),
        (BUY_ONE, 16000, Party(admits=2, pays=1, each_fen=16000)),
        (BUY_ONE, None, Party(admits=2, pays=1, each_fen=None)),
        (THIRD_OFF, 16000, Party(admits=1, pays=1, each_fen=10720)),
        (THIRD_OFF, 9999, Party(admits=1, pays=1, each_fen=6699)),
        (THIRD_OFF, None, Party(admits=1, pays=1, each_fen=None)),
    ],
)
def test_whom_a_voucher_admits_and_what_they_pay(
    benefit: Benefit, price_fen: int | None, party: Party
) -> None:
    assert build.offer(benefit=benefit, price_fen=price_fen).party == party
