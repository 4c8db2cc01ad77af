"""What a party owes, over a real database: who has paid, who pays next, what is given back."""

from datetime import timedelta

from passes.admission.gates import Gate, GateKind, Purpose
from passes.holding.model import Pass
from passes.ledger.records import fold
from passes.ledger.verdicts import Reason, Verdict
from passes.terms.prices import Party, Payment
from tests.support import build
from tests.support.build import NOW, SERIAL
from tests.support.rooms import RoomsUnderTest
from tests.support.verdicts import assert_admitted, assert_refused

WINDOW, TURNSTILE = build.gate(GateKind.WINDOW), build.gate()
TWO_FOR_ONE = build.terms(party=Party(2, 1, each_fen=16000), payment=Payment.AT_WINDOW)


class Till:
    """One pass, and what happens with it minute by minute."""

    def __init__(self, rooms: RoomsUnderTest, held: Pass) -> None:
        self.rooms, self.held, self.at = rooms, held, NOW

    async def shown(
        self, gate: Gate, party: int | None = None, purpose: Purpose = Purpose.ENTER
    ) -> tuple[Verdict, str]:
        """The verdict on a code that the phone shows a minute later, and the nonce of the scan."""
        self.at += timedelta(minutes=1)
        nonce = f"n{self.at:%H%M}"
        scan = build.live_scan(self.held, nonce, self.at, gate=gate, party=party, purpose=purpose)
        return await self.rooms.verdict_on(scan, self.at), nonce

    async def annulled(self, gate: Gate, nonce: str) -> tuple[int, int | None]:
        """People and fen to give back."""
        self.at += timedelta(minutes=1)
        undone = await self.rooms.admission.annulling.annul(gate, nonce, self.at)
        return undone.gives_back, undone.gives_back_fen


async def opened(rooms: RoomsUnderTest, party: Party = TWO_FOR_ONE.party) -> Till:
    terms = build.terms(party=party, payment=Payment.AT_WINDOW)
    return Till(rooms, await rooms.issued(terms=terms))


async def test_paid_at_a_window_the_turnstile_behind_it_opens(rooms: RoomsUnderTest) -> None:
    till = await opened(rooms)
    before, _ = await till.shown(TURNSTILE)
    assert_refused(before, Reason.PAY_AT_WINDOW)
    at_the_window, _ = await till.shown(WINDOW, purpose=Purpose.PAY)
    assert (at_the_window.paying, at_the_window.admitted) == (True, False)
    assert (at_the_window.pays, at_the_window.amount_fen) == (1, 16000)
    assert_admitted((await till.shown(TURNSTILE, 1))[0], admits=1, pays=0)
    assert_admitted((await till.shown(TURNSTILE, 1))[0], admits=1, pays=0)
    ledger = await rooms.ledger.records.whole(SERIAL)
    assert ledger[-1].tally == fold(ledger)


async def test_a_payment_that_is_sent_again_is_taken_once(rooms: RoomsUnderTest) -> None:
    till = await opened(rooms)
    scan = build.live_scan(till.held, "a", gate=WINDOW, purpose=Purpose.PAY)
    first = await rooms.verdict_on(scan)
    assert await rooms.verdict_on(scan) == first
    again, _ = await till.shown(WINDOW, purpose=Purpose.PAY)
    assert again.pays == 0
    assert [each.tally.total for each in await rooms.ledger.records.whole(SERIAL)] == [0, 0]


async def test_the_payer_is_annulled_and_the_next_pays(rooms: RoomsUnderTest) -> None:
    till = await opened(rooms)
    payer, nonce = await till.shown(WINDOW, 1)
    assert_admitted(payer, pays=1, amount_fen=16000)
    assert_admitted((await till.shown(WINDOW, 1))[0], pays=0)
    assert await till.annulled(WINDOW, nonce) == (1, 16000)
    assert_refused((await till.shown(TURNSTILE, 1))[0], Reason.PAY_AT_WINDOW)
    assert_admitted((await till.shown(WINDOW, 1))[0], pays=1, amount_fen=16000)


async def test_an_annulment_gives_back_what_was_paid_also_when_repeated(
    rooms: RoomsUnderTest,
) -> None:
    till = await opened(rooms)
    _, nonce = await till.shown(WINDOW)
    assert await till.annulled(WINDOW, nonce) == (1, 16000)
    assert await till.annulled(WINDOW, nonce) == (1, 16000)


async def test_what_is_given_back_is_null_where_no_price_is_known(rooms: RoomsUnderTest) -> None:
    till = await opened(rooms, Party(2, 2))
    _, nonce = await till.shown(WINDOW)
    assert await till.annulled(WINDOW, nonce) == (2, None)


async def test_an_annulled_payment_is_given_back_and_asked_again(rooms: RoomsUnderTest) -> None:
    till = await opened(rooms)
    _, nonce = await till.shown(WINDOW, purpose=Purpose.PAY)
    assert await till.annulled(WINDOW, nonce) == (1, 16000)
    assert_refused((await till.shown(TURNSTILE))[0], Reason.PAY_AT_WINDOW)
    assert_admitted((await till.shown(WINDOW))[0], pays=1)


async def test_a_turnstile_that_did_not_turn_keeps_the_payment(rooms: RoomsUnderTest) -> None:
    till = await opened(rooms)
    await till.shown(WINDOW, purpose=Purpose.PAY)
    _, nonce = await till.shown(TURNSTILE)
    assert await till.annulled(TURNSTILE, nonce) == (0, 0)
    assert_admitted((await till.shown(TURNSTILE))[0], admits=2, pays=0)


async def test_where_nobody_pays_the_turnstile_opens(rooms: RoomsUnderTest) -> None:
    till = await opened(rooms, Party(2, 0))
    assert_admitted((await till.shown(TURNSTILE))[0], admits=2, pays=0)


async def test_who_left_comes_back_and_pays_nothing_again(rooms: RoomsUnderTest) -> None:
    terms = build.terms(party=Party(2, 1), payment=Payment.AT_WINDOW, re_entry=True)
    till = Till(rooms, await rooms.issued(terms=terms))
    assert_admitted((await till.shown(WINDOW))[0], admits=2, pays=1)
    assert_refused((await till.shown(WINDOW))[0], Reason.ALREADY_TODAY)
    await till.shown(TURNSTILE, 1, Purpose.LEAVE)
    assert_refused((await till.shown(TURNSTILE, 2))[0], Reason.PARTY_TOO_LARGE)
    assert_admitted((await till.shown(TURNSTILE))[0], admits=1, pays=0)
    assert (await rooms.ledger.records.whole(SERIAL))[-1].tally.total == 1
