"""A day without power: what staff wrote down is recorded once, line by line."""

from dataclasses import replace
from datetime import timedelta

from passes.admission.offline.items import Result
from passes.admission.offline.paper import PaperLine, place_of_spot
from passes.holding.shown_code import live_text
from passes.ledger.records import By, Cause
from tests.support import build
from tests.support.build import EMEISHAN, NOW, OPERATOR
from tests.support.fields import assert_fields
from tests.support.rooms import RoomsUnderTest

LATER = NOW + timedelta(days=2)


async def test_each_line_counts_once_however_often_the_list_is_read(rooms: RoomsUnderTest) -> None:
    held = await rooms.issued()
    line = PaperLine(2, NOW, place_of_spot(EMEISHAN), 1, held.id.upper(), "07", "停电")
    other = replace(
        await rooms.issued(id="00000000000000b2", holder=build.SEALER.seal(build.person(1)))
    )
    lines = [
        line,
        replace(line, number=3, shown=build.person(1).number, at=NOW + timedelta(hours=1)),
        replace(line, number=4, shown=live_text(held, build.KEYS, NOW)),
        replace(line, number=5, shown="00000000000000ff"),
        replace(line, number=6, shown="11010119900307"),
        replace(line, number=7, people=0),
        replace(line, number=8, at=LATER + timedelta(hours=1)),
        replace(line, number=9),  # as line 2: a second visit
    ]
    papers = rooms.admission.papers
    tried = await papers.read(lines, OPERATOR, LATER, dry_run=True)
    assert [each.number for each in tried if each.wrong] == [5, 6, 7, 8]
    assert not await rooms.ledger.records.whole(held.id)
    for turn in range(2):
        read = await papers.read(lines, OPERATOR, LATER, dry_run=False)
        done = {each.number: each.result.result for each in read if each.result}
        assert sorted(done) == [2, 3, 4, 9]
        if turn:
            assert set(done.values()) == {Result.KNOWN}
    first, *more = await rooms.ledger.records.whole(held.id)
    assert_fields(first, by=By.PAPER, at=NOW, online=False, staff="07", recorded_at=LATER)
    assert_fields(first.decision, by=OPERATOR, reason="停电")
    assert len(more) == 2
    (of_card,) = await rooms.ledger.records.whole(other.id)
    assert of_card.by is By.PAPER
    conflicts = await rooms.admission.conflicts.all(open_only=True)
    assert [each.cause for each in conflicts] == [Cause.OVER_LIMIT] * 2
