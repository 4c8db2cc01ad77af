"""The bench measures what happens: its passes are admitted, and its rush sells what there is."""

import pytest

from passes.admission.gates import Scan
from scripts.bench_rush import CLAIMANTS, VOUCHERS, Rush, simulate
from scripts.bench_scans import a_gate, fresh_codes
from server.clock import now
from server.system import System


async def test_passes_of_the_bench_are_admitted(system: System) -> None:
    """They had no MAC, and every scan of the bench was refused."""
    gate = await a_gate(system)
    for n, code in enumerate(await fresh_codes(system, 2)):
        verdict, _ = await system.admission.admission.admit(Scan(gate, code, f"n{n}", now()), now())
        assert verdict.admitted, verdict.reason


@pytest.mark.slow
def test_a_simulated_rush_tells_everybody_and_sells_what_there_is() -> None:
    slow = simulate(Rush(0.02, 0.001, crowd_seconds=5, addresses=CLAIMANTS))
    assert slow.vouchers == VOUCHERS
    assert len(slow.waits) == CLAIMANTS == slow.vouchers + slow.refused
    assert slow.over_after == pytest.approx(VOUCHERS * 0.02 + 15_000 * 0.001, abs=5)
    assert slow.unavailable > 0, "half of them within 5 seconds are more than can wait"
    assert slow.too_often == 0, "nobody shares an address"
    fast = simulate(Rush(0, 0, crowd_seconds=60, addresses=CLAIMANTS))
    assert max(fast.waits) == 0
    assert fast.unavailable == 0
