"""The stores, each operation on the real embedded database, through both drivers."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from passes.admission.gates import GateKind, GateState, Setup
from passes.base.audit import AuditLine
from passes.base.errors import Unavailable
from passes.ledger.records import annulment, fold
from passes.ledger.tally import Tally
from passes.ledger.verdicts import NEWEST_REFUSALS, Reason, Refusal, Verdict
from passes.store.admission import GateStore
from passes.store.audit import AuditStore
from passes.store.holding import PassStore
from passes.store.indexes import INDEXES, ensure_indexes
from passes.store.ledger import MARK_EVERY, NEWEST, LedgerStore, RefusalStore, Remembered
from passes.store.terms import EditionStore
from passes.store.versions import GATES, PRODUCTS, Versions
from passes.terms.edition import Edition
from passes.terms.editions import Editions
from passes.terms.prices import Party, Payment
from passes.terms.terms import Coverage, Limits
from passes.terms.times import Blackout
from passes.terms.validity import DateRange, Term
from server.mongo import Mongo
from tests.support import build
from tests.support.build import NOW, OPERATOR, SERIAL, TODAY

FULL = build.held(
    terms=build.terms(
        term=Term(dates=DateRange(TODAY, TODAY)),
        coverage=Coverage(
            frozenset({"emeishan"}), frozenset({"5A", "sichuan"}), frozenset({"leshan-dafo"})
        ),
        limits=Limits(1, 2, 3, 4, 5),
        blackout=Blackout((DateRange(TODAY, TODAY),), frozenset({1, 7})),
        party=Party(2, 1),
        payment=Payment.AT_WINDOW,
    )
)


def passes_of(mongo: Mongo) -> PassStore:
    """Passes of editions that every process knows."""

    async def published() -> list[Edition]:
        return [FULL.edition, build.held().edition]

    async def nothing() -> list[Any]:
        return []

    editions = Editions(published, nothing, nothing, nothing)
    return PassStore(mongo, editions, build.SEALER, build.MACS)


def refusal(nonce: str = "n1", pass_id: str | None = SERIAL) -> Refusal:
    verdict = Verdict(Reason.ALREADY_TODAY, NOW, admitted_from=NOW + timedelta(days=1))
    return Refusal("gate-1", nonce, build.EMEISHAN, pass_id, "digest", NOW, verdict)


async def test_a_pass_comes_back_as_it_was(any_mongo: Mongo) -> None:
    store = passes_of(any_mongo)
    await store.add(FULL)
    assert await store.get(SERIAL) == FULL
    assert await store.get("0" * 16) is None
    assert not await store.add(FULL)


async def test_a_pass_of_an_edition_that_nobody_knows_is_never_judged(any_mongo: Mongo) -> None:
    """It was published by another process a moment ago, or the data is newer than the program."""
    store = passes_of(any_mongo)
    await store.add(build.held(edition=replace(FULL.edition, version=99)))
    with pytest.raises(Unavailable, match="edition 99 of product 'annual' is not known"):
        await store.get(SERIAL)


async def test_a_refusal_is_kept_once_and_noted_on_the_pass(any_mongo: Mongo) -> None:
    passes, refusals = passes_of(any_mongo), RefusalStore(any_mongo)
    await passes.add(build.held())
    assert await refusals.keep(refusal()) == refusal()
    later = replace(refusal(), verdict=Verdict(Reason.FROZEN, NOW + timedelta(minutes=1)))
    assert await refusals.keep(later) == refusal()
    for n in range(20):
        await refusals.keep(refusal(f"m{n}"))
        await refusals.keep(refusal())  # a retry, which must not drive out what others need
    held = await passes.get(SERIAL)
    assert held is not None
    assert [note.nonce for note in held.refusals] == [
        f"m{n}" for n in range(20 - NEWEST_REFUSALS, 20)
    ]
    assert await refusals.get("gate-1", "n1") == refusal()
    assert await refusals.get("gate-1", "x") is None


async def test_a_refusal_without_a_pass_is_kept(any_mongo: Mongo) -> None:
    assert await RefusalStore(any_mongo).keep(refusal(pass_id=None)) == refusal(pass_id=None)


async def test_a_ledger_number_is_given_once(any_mongo: Mongo) -> None:
    ledger = LedgerStore(any_mongo)
    records = [build.record(1, NOW, Tally().with_visit(build.EMEISHAN, NOW)) for _ in range(8)]
    won = await asyncio.gather(
        *(ledger.append(replace(record, nonce=f"n{i}")) for i, record in enumerate(records))
    )
    assert sum(won) == 1
    (kept,) = await ledger.whole(SERIAL)
    assert kept.nonce == f"n{won.index(True)}"


async def test_a_ledger_comes_back_in_order(any_mongo: Mongo) -> None:
    ledger = LedgerStore(any_mongo)
    tally, records = Tally(), []
    for n in range(1, 13):
        tally = tally.with_visit(build.EMEISHAN, NOW + timedelta(days=n))
        records.append(build.record(n, NOW + timedelta(days=n), tally))
        assert await ledger.append(records[-1])
    records.append(annulment(records, records[-1], NOW + timedelta(days=13), NOW))
    assert await ledger.append(records[-1])
    assert await ledger.whole(SERIAL) == records
    assert await ledger.newest(SERIAL, 0) == records[-NEWEST:]
    assert records[-1].tally == fold(records)
    found = await ledger.admission(records[3].gate_id, "n4")
    assert found == records[3]
    assert await ledger.admission("another-gate", "n4") is None


async def test_records_of_many_passes_come_pass_by_pass_in_order(any_mongo: Mongo) -> None:
    ledger, pass_ids = LedgerStore(any_mongo), ("a" * 16, "b" * 16, "c" * 16)
    for n in (1, 2):
        for pass_id in pass_ids:
            await ledger.append(replace(build.record(n, NOW, Tally()), pass_id=pass_id))
    found = await ledger.of_passes(pass_ids[:2])
    assert [(record.pass_id, record.n) for record in found] == [
        ("a" * 16, 1),
        ("a" * 16, 2),
        ("b" * 16, 1),
        ("b" * 16, 2),
    ]


def test_what_a_process_remembers_of_passes_is_bounded() -> None:
    remembered = Remembered(most=2)
    for pass_id in ("a", "b"):
        remembered.put(pass_id, [])
    assert remembered.get("a") == ()
    remembered.put("c", [])
    assert remembered.get("b") is None, "it was used longest ago"
    assert remembered.get("a") == ()
    assert remembered.get("c") == ()


def test_a_record_that_does_not_follow_those_remembered_makes_them_stale() -> None:
    remembered = Remembered()
    first, third = (build.record(n, NOW, Tally()) for n in (1, 3))
    remembered.add(first)
    assert remembered.get(SERIAL) is None, "what came before is not known"
    remembered.put(SERIAL, [])
    remembered.add(first)
    assert remembered.get(SERIAL) == (first,)
    remembered.add(third)
    assert remembered.get(SERIAL) is None


async def test_the_ledger_mark_follows_and_hides_nothing_that_is_needed(any_mongo: Mongo) -> None:
    passes, ledger = passes_of(any_mongo), LedgerStore(any_mongo)
    await passes.add(build.held())
    for n in range(1, 2 * MARK_EVERY + 4):
        assert await ledger.append(build.record(n, NOW, Tally()))
        if n % 5 == 0:
            await ledger.write_marks()
    held = await passes.get(SERIAL)
    assert held is not None
    assert held.ledger_mark == 2 * MARK_EVERY - NEWEST
    tail = await ledger.newest(SERIAL, held.ledger_mark)
    assert [record.n for record in tail] == list(
        range(2 * MARK_EVERY + 4 - NEWEST, 2 * MARK_EVERY + 4)
    )


async def test_a_mark_never_moves_back(any_mongo: Mongo) -> None:
    passes, slow, fast = passes_of(any_mongo), LedgerStore(any_mongo), LedgerStore(any_mongo)
    await passes.add(build.held())
    await slow.append(build.record(MARK_EVERY, NOW, Tally()))
    await fast.append(build.record(2 * MARK_EVERY, NOW, Tally()))
    await fast.write_marks()
    await slow.write_marks()
    held = await passes.get(SERIAL)
    assert held is not None
    assert held.ledger_mark == 2 * MARK_EVERY - NEWEST


async def test_editions_are_kept_and_their_numbers_unique(any_mongo: Mongo) -> None:
    store, versions = EditionStore(any_mongo), Versions(any_mongo)
    first = replace(build.product(), number=1, version=1)
    assert await store.put(first)
    assert not await store.put(first)
    assert not await store.put(replace(build.product("other"), number=1, version=1))
    second = replace(first, number=2, version=2, price_fen=100)
    assert await store.put(second)
    assert not await store.put(replace(second, number=3))
    assert await store.all() == [first, second]
    before = await versions.all()
    assert before[PRODUCTS] == 0, "to announce is for the publisher, once for all"
    await store.announce()
    after = await versions.all()
    assert after[PRODUCTS] == 1


async def test_a_setup_code_enrols_once(any_mongo: Mongo) -> None:
    store = GateStore(any_mongo)
    gate = build.gate(GateKind.HANDHELD, state=GateState.ADDED)
    setup = Setup("digest", NOW + timedelta(days=7))
    assert await store.add(gate, setup)
    assert not await store.add(gate, setup)
    assert await store.of_setup("digest") == (gate, setup)
    enrolled = replace(gate, state=GateState.ENROLLED, token_version=2, enrolled_at=NOW)
    spent = replace(setup, spent_at=NOW)
    won = await asyncio.gather(*(store.enrol(enrolled, spent) for _ in range(8)))
    assert sum(won) == 1
    assert await store.of_setup("digest") == (enrolled, spent)
    assert await store.all() == [enrolled]


async def test_a_disabled_gate_cannot_be_enrolled_by_its_old_setup_code(any_mongo: Mongo) -> None:
    store = GateStore(any_mongo)
    gate = build.gate(state=GateState.ADDED)
    await store.add(gate, Setup("digest", NOW))
    await store.disable(gate.id)
    assert await store.of_setup("digest") is None
    assert [found.state for found in await store.all()] == [GateState.DISABLED]
    renewed = replace(gate, token_version=gate.token_version + 1)
    assert await store.renew(renewed, Setup("new", NOW))
    assert await store.of_setup("new") == (renewed, Setup("new", NOW))
    assert not await store.renew(renewed, Setup("newer", NOW)), "its version has moved on"


async def test_versions_only_grow(any_mongo: Mongo) -> None:
    versions = Versions(any_mongo)
    before = await versions.all()
    assert set(before.values()) == {0}
    await asyncio.gather(*(versions.bump(GATES) for _ in range(5)))
    after = await versions.all()
    assert after[GATES] == 5


async def test_the_audit_log_keeps_every_line(any_mongo: Mongo) -> None:
    audit = AuditStore(any_mongo)
    line = AuditLine(NOW, OPERATOR, "issue", f"pass:{SERIAL}", {"product": "a"})
    await audit.write(line)
    await audit.write(line)
    assert await audit.about(f"pass:{SERIAL}") == [line, line]


async def test_indexes_can_be_made_again_and_all_have_names_and_a_purpose(any_mongo: Mongo) -> None:
    await ensure_indexes(any_mongo)
    indexes = [index for collection in INDEXES.values() for index in collection]
    assert len({index.name for index in indexes}) == len(indexes)
    assert all(index.serves for index in indexes)
