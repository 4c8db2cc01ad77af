"""How many commands the database gets: few for a scan, fewer than scans when many come at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace

import pytest
from tornado.ioloop import IOLoop

from passes.admission.gates import GateKind
from passes.holding.model import Pass
from passes.ledger.verdicts import Reason
from passes.offers.offer import ClaimKind, Quota
from passes.terms.prices import Benefit, BenefitKind
from passes.terms.terms import Limits
from tests.support import build
from tests.support.build import NOW, OPERATOR, SEALER
from tests.support.commands import Commands, counted_rooms
from tests.support.interleaving import overtake
from tests.support.rooms import RoomsUnderTest

MANY = 48


@pytest.fixture(params=["motor", "pymongo"])
def counted(
    io_loop: IOLoop, mongo_uri: str, request: pytest.FixtureRequest
) -> Iterator[tuple[RoomsUnderTest, Commands]]:
    yield from counted_rooms(io_loop, mongo_uri, request.param)


async def many_passes(rooms: RoomsUnderTest) -> list[Pass]:
    like = build.held()
    serials = [f"{n:016x}" for n in range(1, MANY + 1)]
    return [await rooms.keep(replace(like, id=serial)) for serial in serials]


async def scan(rooms: RoomsUnderTest, held: Pass, nonce: str) -> bool:
    """Whether a paper is admitted, at a gate of its own for each nonce."""
    gate = build.gate(GateKind.HANDHELD, id=f"gate-{nonce}")
    verdict = await rooms.verdict_on(build.printed_scan(held, nonce, gate=gate))
    return verdict.admitted


async def test_many_scans_at_once_send_fewer_commands_than_there_are_scans(
    counted: tuple[RoomsUnderTest, Commands],
) -> None:
    rooms, commands = counted
    passes = await many_passes(rooms)
    commands.sent.clear()
    admitted = await asyncio.gather(*(scan(rooms, held, "a") for held in passes))
    assert all(admitted)
    assert commands.sent.total() < MANY / 2
    assert commands.sent["insert"] <= MANY / 4


async def test_a_second_scan_of_each_pass_reads_no_ledger(
    counted: tuple[RoomsUnderTest, Commands],
) -> None:
    rooms, commands = counted
    held = await rooms.issued(terms=build.terms(limits=Limits(per_spot_day=None)))
    assert await scan(rooms, held, "a")
    commands.sent.clear()
    assert await scan(rooms, held, "b")
    assert commands.sent == {"find": 1, "insert": 1}


async def test_a_refusal_of_a_pass_that_is_remembered_costs_four_operations(
    counted: tuple[RoomsUnderTest, Commands],
) -> None:
    rooms, commands = counted
    held = await rooms.issued()
    assert await scan(rooms, held, "a")
    commands.sent.clear()
    assert not await scan(rooms, held, "b")
    assert commands.sent == {"find": 2, "insert": 1, "update": 1}


UNCOUNTED = build.terms(limits=Limits(per_spot_day=None))


async def test_only_the_scan_that_uses_up_a_pass_marks_it(
    counted: tuple[RoomsUnderTest, Commands],
) -> None:
    rooms, commands = counted
    held = await rooms.issued(terms=build.terms(limits=Limits(per_spot_day=None, total=2)))
    commands.sent.clear()
    assert await scan(rooms, held, "a")
    assert commands.sent == {"find": 2, "insert": 1}
    commands.sent.clear()
    assert await scan(rooms, held, "b")
    assert commands.sent == {"find": 1, "insert": 1, "update": 1}


CAMPAIGN = build.offer(
    id="huimin",
    benefit=Benefit(BenefitKind.FREE),
    voucher_days=None,
    limits=Limits(per_spot_day=None),
    claim=ClaimKind.AUTOMATIC,
    quota=Quota(per_spot_day=5),
)


async def test_many_cards_at_once_send_fewer_commands_than_there_are_cards(
    counted: tuple[RoomsUnderTest, Commands],
) -> None:
    rooms, commands = counted
    people = [build.person(n) for n in range(MANY)]
    for n, person in enumerate(people):
        await rooms.issued(id=f"{n + 1:016x}", holder=SEALER.seal(person))
    commands.sent.clear()
    told = await asyncio.gather(
        *(
            rooms.card_shown(person, gate=build.gate(id=f"gate-{n}"))
            for n, person in enumerate(people)
        )
    )
    assert [held.id for _, held in told if held] == [f"{n + 1:016x}" for n in range(MANY)]
    assert commands.sent.total() < MANY / 2


async def one_pass(rooms: RoomsUnderTest) -> None:
    await rooms.issued(terms=UNCOUNTED)


async def five_passes(rooms: RoomsUnderTest) -> None:
    for n in range(1, 6):
        held = build.held(id=f"{n:016x}", terms=build.terms(limits=Limits(total=5)))
        await rooms.keep(held)


async def used_today(rooms: RoomsUnderTest) -> None:
    await rooms.issued()
    await rooms.card_shown(nonce="before", gate=build.gate(id="before"))


async def nothing(rooms: RoomsUnderTest) -> None:
    pass


async def campaign(rooms: RoomsUnderTest) -> None:
    await rooms.offers.publishing.publish([CAMPAIGN], OPERATOR, NOW)
    await rooms.offers.offers.load()
    await rooms.terms.editions.load()


async def shown_before(rooms: RoomsUnderTest) -> None:
    await campaign(rooms)
    await rooms.card_shown(nonce="before", gate=build.gate(id="before"))


CARDS: Mapping[str, tuple[Callable[[RoomsUnderTest], Awaitable[None]], Reason, dict[str, int]]] = {
    "admitted": (one_pass, Reason.OK, {"find": 2, "insert": 1}),
    "of five passes": (five_passes, Reason.OK, {"find": 2, "insert": 1}),
    "refused": (used_today, Reason.ALREADY_TODAY, {"find": 2, "insert": 1, "update": 1}),
    "no pass, first of the hour": (nothing, Reason.NO_PASS, {"find": 1, "insert": 1, "update": 1}),
    "campaign, again": (shown_before, Reason.OK, {"find": 2, "insert": 1, "update": 1}),
    "campaign, for the first time": (
        campaign,
        Reason.OK,
        {"find": 4, "insert": 7, "update": 4},
    ),
}


@pytest.mark.parametrize(("given", "reason", "sent"), CARDS.values(), ids=CARDS)
async def test_what_a_card_costs(
    counted: tuple[RoomsUnderTest, Commands],
    given: Callable[[RoomsUnderTest], Awaitable[None]],
    reason: Reason,
    sent: dict[str, int],
) -> None:
    rooms, commands = counted
    await given(rooms)
    commands.sent.clear()
    verdict, _ = await rooms.card_shown()
    assert verdict.reason is reason
    assert commands.sent == sent


async def test_a_card_that_loses_a_race_is_read_again(
    counted: tuple[RoomsUnderTest, Commands], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At another gate in between: twice passes, records and insert, once for each."""
    rooms, commands = counted
    await one_pass(rooms)
    rival = RoomsUnderTest(rooms.database)
    await rival.terms.editions.load()

    async def first() -> None:
        commands.sent.clear()
        await rival.card_shown(nonce="b", gate=build.gate(id="south"))

    overtake(monkeypatch, rooms.ledger.records, "append", first)
    verdict, _ = await rooms.card_shown()
    assert verdict.admitted
    assert commands.sent == {"find": 4, "insert": 3}
