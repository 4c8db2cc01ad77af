"""A rush for vouchers: how many claims a second are served, and what that means for very many.

Measured: claims over HTTP, of visitors who are signed in and have a real name, at the real server
over the real database. Simulated: everybody who comes in the first minute, served at those rates.
"""

import asyncio
import heapq
import random
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from passes.base.calendar import business_day
from passes.base.text import Text
from passes.offers.offer import Offer, Quota
from passes.people.groups import ANYONE
from passes.people.identification import IdentityStatement
from passes.people.identity import DocumentKind, IdentityDocument
from passes.people.visitors import Session
from passes.terms.prices import Benefit, BenefitKind
from passes.terms.terms import Coverage, Limits
from passes.terms.validity import DateRange
from scripts.bench_load import Request, http_request
from scripts.bench_scans import SPOT, Row
from server.auth import Tokens
from server.clock import now
from server.limits import RATES
from server.mongo import SERVING_SECONDS
from server.system import System

_AT_ONCE = 20
CLAIMANTS = 20_000
VOUCHERS = 5_000
COMMANDS = 13
"""What a granted claim sends to the database, one after the other (tests/offers/test_rush.py)."""
RETRY_SECONDS = 2
"""`Retry-After` of a 503."""


@dataclass(frozen=True, slots=True)
class Rush:
    """Who comes, and how fast they are served."""

    granted_seconds: float
    """What a claim costs that gets a voucher: one second by how many are granted in it."""
    refused_seconds: float
    crowd_seconds: float
    """Within how many seconds after the opening half of them come; the others within a minute."""
    addresses: int
    """Behind how many addresses they are: those of a mobile network are shared by thousands."""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of everybody."""

    vouchers: int
    refused: int
    too_often: int
    """Answers 429, after which they tried again."""
    unavailable: int
    """Answers 503, after which they tried again."""
    waits: list[float]
    """For each the seconds until they had their voucher, or knew that there are none left."""
    over_after: float
    """When the last had their answer, in seconds after the opening."""


def simulate(rush: Rush, seed: int = 1) -> Told:
    """Everybody claims until they are told; claims are served in the order in which they come.

    An address that asks too often gets 429 with the seconds to wait (GCRA, as `server.limits`). Who
    would wait too long for one operation of the database gets 503. Each tries again after
    `Retry-After` and up to a second more, as the mini-program does.
    """
    chance = random.Random(seed)  # noqa: S311 - so that it can be repeated
    comes_at = [_arrival(chance, rush) for _ in range(CLAIMANTS)]
    queue = [(at, number) for number, at in enumerate(comes_at)]
    heapq.heapify(queue)
    _, rate = RATES["claim"]
    paid_off = [0.0] * rush.addresses
    waits: list[float] = []
    free_at = 0.0
    vouchers = too_often = unavailable = 0
    while queue:
        at, number = heapq.heappop(queue)
        address = number % rush.addresses
        wait = paid_off[address] - at - (rate.burst - 1) * rate.seconds
        if wait > 0:
            too_often += 1
            heapq.heappush(queue, (at + -(-wait // 1) + chance.random(), number))
            continue
        paid_off[address] = max(paid_off[address], at) + rate.seconds
        if max(0.0, free_at - at) / COMMANDS > SERVING_SECONDS:
            unavailable += 1
            heapq.heappush(queue, (at + RETRY_SECONDS + chance.random(), number))
            continue
        is_left = vouchers < VOUCHERS
        vouchers += is_left
        free_at = max(free_at, at) + (rush.granted_seconds if is_left else rush.refused_seconds)
        waits.append(free_at - comes_at[number])
    refused = CLAIMANTS - vouchers
    return Told(vouchers, refused, too_often, unavailable, waits, free_at)


def _arrival(chance: random.Random, rush: Rush) -> float:
    if chance.random() < 0.5:
        return chance.uniform(0, rush.crowd_seconds)
    return chance.uniform(0, 60)


def simulated(granted: float, refused: float) -> list[Row]:
    """Rushes at so many claims a second that are granted, and refused, in a process."""
    rows: list[Row] = []
    own, shared = CLAIMANTS, 10
    cases = [(60, own, 1), (60, own, 8), (5, own, 1), (5, own, 8), (60, shared, 8)]
    for crowd, addresses, processes in cases:
        rush = Rush(1 / granted / processes, 1 / refused / processes, crowd, addresses)
        told = simulate(rush)
        rows.append(
            {
                "half come within s": crowd,
                "addresses": addresses,
                "cores": processes * 2,
                "vouchers": told.vouchers,
                "told: none left": told.refused,
                "429": told.too_often,
                "503": told.unavailable,
                "median wait s": round(statistics.median(told.waits), 1),
                "longest wait s": round(max(told.waits), 1),
                "over after s": round(told.over_after),
            }
        )
    return rows


async def an_offer(system: System, vouchers: int) -> Offer:
    """A campaign of so many vouchers, which is open."""
    today = business_day(now())
    draft = Offer(
        id="bench-rush",
        version=1,
        title=Text("抢券", "Rush"),
        benefit=Benefit(BenefitKind.FREE),
        spots=frozenset({SPOT}),
        coverage=Coverage(spots=frozenset({SPOT})),
        window=DateRange(today, today + timedelta(days=30)),
        eligible=frozenset({ANYONE}),
        voucher_days=None,
        quota=Quota(total=vouchers, per_day=vouchers, per_spot_day=vouchers),
        limits=Limits(per_spot=1),
    )
    await system.offers.publishing.publish([draft], "bench", now())
    return draft


async def claimants(system: System, many: int, privacy_version: str) -> list[str]:
    """The tokens of so many visitors who have signed in and said who they are."""
    tokens = Tokens(system.keys.tokens, system.keys.epoch)
    signed_in: list[str] = []
    for start in range(0, many, _AT_ONCE):
        part = range(start, min(many, start + _AT_ONCE))
        signed_in += await asyncio.gather(
            *(_claimant(system, n, tokens, privacy_version) for n in part)
        )
    return signed_in


async def _claimant(system: System, n: int, tokens: Tokens, privacy_version: str) -> str:
    at = now()
    visitor = await system.people.accounts.of_openid(f"bench-{n}", at)
    passport = IdentityDocument(
        DocumentKind.PASSPORT, "TEST PERSON", f"T{n:09}", "FRA", date(1990, 1, 1)
    )
    said = IdentityStatement(passport, privacy_version)
    visitor = await system.people.identification.identify(visitor, said, at)
    session = Session("bench", visitor.id, at, at, at + timedelta(days=1))
    return tokens.for_session(session, visitor, at).access


def claiming(tokens: Iterable[str]) -> Request:
    """Requests that claim a voucher, each of the next visitor, who has an address of their own."""
    numbered = enumerate(tokens)

    def request() -> bytes:
        n, token = next(numbered)
        address = f"198.51.{n // 250 % 250}.{n % 250}"
        path = "/api/v1/offers/bench-rush/claim"
        return http_request("POST", path, b"{}", token, f"X-Forwarded-For: {address}")

    return request
