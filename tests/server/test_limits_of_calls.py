"""RateLimiter of calls: bounded memory, addresses behind proxies, and clocks that are set back."""

from datetime import timedelta
from ipaddress import ip_network
from itertools import count

import pytest

from handlers.web.access import Caller, Origin
from passes.base.errors import TooOften
from server.addresses import Addresses
from server.limits import RATES, RateLimiter
from tests.support.build import NOW

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("10.1.2.3", "198.51.100.1", "198.51.100.1"),
        ("10.1.2.3", "192.0.2.9, 198.51.100.1", "198.51.100.1"),
        ("10.1.2.3", "192.0.2.9,198.51.100.1, 10.9.9.9", "198.51.100.1"),
        ("10.1.2.3", "", "10.1.2.3"),
        ("10.1.2.3", "<script>", "10.1.2.3"),
        ("10.1.2.3", "198.51.100.1, nonsense", "10.1.2.3"),
        ("::ffff:10.1.2.3", "::ffff:198.51.100.1", "198.51.100.1"),
        ("fd00::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "198.51.100.1", "2001:db8:1:2::/64"),
    ],
)
def test_the_address_is_what_a_proxy_of_ours_says_and_nobody_else(
    peer: str, forwarded: str, address: str
) -> None:
    assert Addresses(PROXIES).of_caller(Origin(peer, forwarded)) == address


def allowed(
    limits: RateLimiter, peer: str, caller: str = "v", at: float = 0, name: str = "claim"
) -> bool:
    try:
        limits.check(name, Caller(caller, frozenset()), Origin(peer), NOW + timedelta(seconds=at))
    except TooOften:
        return False
    return True


def test_a_burst_then_one_each_while() -> None:
    rate = RATES["claim"][0]
    assert rate is not None
    limits = RateLimiter()
    assert sum(allowed(limits, "192.0.2.1") for _ in range(50)) == rate.burst
    for n in range(1, 5):
        assert [allowed(limits, "192.0.2.1", at=n * rate.seconds) for _ in range(3)] == [
            True,
            False,
            False,
        ]
    assert sum(allowed(limits, "192.0.2.1", at=10_000) for _ in range(50)) == rate.burst


def test_an_address_is_limited_whoever_calls() -> None:
    limits, callers = RateLimiter(), count()
    burst = RATES["claim"][1].burst
    assert (
        sum(allowed(limits, "192.0.2.1", f"v{next(callers)}") for _ in range(burst + 50)) == burst
    )
    assert allowed(limits, "192.0.2.2", "v0")


DAY = 24 * 3600


@pytest.mark.parametrize("name", RATES)
def test_a_clock_set_back_by_a_day_locks_out_nobody_who_may_call(name: str) -> None:
    """Who had called once owed a whole burst by the earlier clock, and got 429 for a while."""
    limits = RateLimiter()
    assert allowed(limits, "192.0.2.1", at=DAY, name=name)
    assert allowed(limits, "192.0.2.1", at=0, name=name)
    assert allowed(limits, "192.0.2.1", at=-DAY, name=name)


def test_a_clock_set_back_forgives_nothing_and_who_has_to_wait_waits_no_longer() -> None:
    limits, rate = RateLimiter(), RATES["claim"][0]
    assert rate is not None
    while allowed(limits, "192.0.2.1", at=DAY):
        pass
    assert not allowed(limits, "192.0.2.1", at=0)
    with pytest.raises(TooOften) as refused:
        limits.check("claim", Caller("v", frozenset()), Origin("192.0.2.1"), NOW)
    assert refused.value.retry_after <= rate.seconds
    assert allowed(limits, "192.0.2.1", at=rate.seconds), "what it says is true"
    assert not allowed(limits, "192.0.2.1", at=rate.seconds)


def test_a_clock_set_back_and_then_right_again_limits_as_before() -> None:
    limits, rate = RateLimiter(), RATES["claim"][0]
    assert rate is not None
    assert allowed(limits, "192.0.2.1", at=DAY)
    assert allowed(limits, "192.0.2.1", at=0)
    assert sum(allowed(limits, "192.0.2.1", at=DAY) for _ in range(50)) == rate.burst


def test_memory_is_bounded_and_forgets_who_called_longest_ago() -> None:
    limits = RateLimiter(most_callers=10)
    for n in range(100):
        assert allowed(limits, f"192.0.2.{n}", f"v{n}")
    assert len(limits._paid_off) <= 10
