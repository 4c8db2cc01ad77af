"""Checks of the doctor that need a database: indexes, clock, engine, schema, ledgers, counters,
and the catalogue beside what is sold. Each reads, and changes nothing."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from random import SystemRandom
from typing import Any

from passes.admission.gates import GateState
from passes.base.calendar import business_day
from passes.offers.quotas import Corrected
from passes.store.database import Index
from passes.store.indexes import INDEXES
from passes.store.migrations import SCHEMA
from passes.terms.holiday_publishing import holidays_named
from scenic_data.model import Spot
from server.epoch import epoch_of
from server.findings import Finding, Level
from server.mongo import Mongo
from server.system import System

_CLOCK_TOLERANCE = timedelta(seconds=5)
"""A rotating code lives for 30 seconds, and what has ended is dropped by the database's clock."""

_LEAST_FREE = 1 << 30
"""Bytes on the disk of the embedded database."""

_MOST_VOUCHERS = 2_000
"""Offers with more claims are counted only if everything is looked at."""

_NAMED = 3
"""How many of many are named in a finding."""


async def of_indexes(mongo: Mongo) -> list[Finding]:
    """Indexes that are missing, extra, or not what they should be. To be asked before a system is
    opened, which makes those that are missing."""
    findings = []
    for name, wanted in INDEXES.items():
        there = await mongo.collection(name).indexes()
        findings += list(_index_faults(name, wanted, there))
    total = sum(map(len, INDEXES.values()))
    return findings or [Finding("indexes", Level.OK, f"all {total} are there, and no other")]


def _index_faults(
    collection: str, wanted: Sequence[Index], there: Mapping[str, Mapping[str, Any]]
) -> Iterator[Finding]:
    for index in wanted:
        found = there.get(index.name)
        if found is None:
            what = f"{collection}.{index.name} was missing, and is made now: {index.serves}"
            remedy = "right after an upgrade; else find out who has dropped it"
            yield Finding("indexes", Level.NOTICE, what, remedy)
        elif not _is_like(index, found):
            what = f"{collection}.{index.name} is not what it should be: {index.serves}"
            drop = f'db.{collection}.dropIndex("{index.name}") in mongosh, then start a server'
            yield Finding("indexes", Level.FAULT, what, drop)
    for name in sorted(there.keys() - {"_id_"} - {index.name for index in wanted}):
        what = f"{collection}.{name} is no index of this version: each write pays for it"
        drop = f'db.{collection}.dropIndex("{name}") in mongosh, if nobody needs it'
        yield Finding("indexes", Level.NOTICE, what, drop)


def _is_like(index: Index, found: Mapping[str, Any]) -> bool:
    same_keys = [tuple(key) for key in found["key"]] == list(index.keys)
    same_end = found.get("expireAfterSeconds") == index.expire_seconds
    return same_keys and same_end and bool(found.get("unique")) == index.unique


async def of_database(mongo: Mongo, data_dir: Path | None, now: datetime) -> list[Finding]:
    """The engine, its clock beside ours, and the disk of an embedded one in `data_dir`."""
    engine, their_now = await mongo.engine(), await mongo.clock()
    findings = [Finding("database", Level.OK, f"it answers: {engine}")]
    ahead = their_now - now
    seconds = round(ahead.total_seconds(), 1)
    if abs(ahead) > _CLOCK_TOLERANCE:
        what = f"the clock of the database is {seconds:+} s beside that of this machine"
        findings.append(Finding("clock", Level.FAULT, what, "let NTP set both clocks"))
    else:
        what = "this machine and the database agree within 5 s"
        findings.append(Finding("clock", Level.OK, what))
    if data_dir is not None:
        free = shutil.disk_usage(data_dir).free
        level = Level.OK if free >= _LEAST_FREE else Level.FAULT
        what = f"{free >> 20} MiB are free where {data_dir} lies"
        remedy = "" if level is Level.OK else "make room: the database stops when the disk is full"
        findings.append(Finding("disk", level, what, remedy))
    return findings


async def of_schema(system: System) -> list[Finding]:
    """Which schema a system has that could be opened, and whether a backup was restored."""
    # Another schema keeps a system from being opened, or was migrated by that.
    schema = Finding("schema", Level.OK, f"{SCHEMA}, which this program stores")
    of_database, of_keys = await epoch_of(system.database), system.keys.epoch
    if of_database == of_keys:
        return [schema]
    what = f"the database is of epoch {of_database}, the key file of {of_keys}: one was restored"
    remedy = "stop all servers, then keys new-epoch (docs/backup.md)"
    return [schema, Finding("epoch", Level.FAULT, what, remedy)]


async def of_ledgers(system: System, *, whole: bool) -> list[Finding]:
    """Whether the ledgers of passes add up: those of a sample, or all."""
    proving = system.holding.proving
    proof = await (proving.whole() if whole else proving.sample(SystemRandom()))
    if not proof.faults:
        kind = "all" if whole else "a sample of"
        return [Finding("ledgers", Level.OK, f"{kind} {proof.passes} passes add up")]
    remedy = "passes show PASS_ID; keep the log and a backup, and ask who maintains this program"
    return [Finding("ledgers", Level.FAULT, fault, remedy) for fault in proof.faults]


async def of_counters(system: System, now: datetime, *, whole: bool) -> list[Finding]:
    """Whether the counters of offers say how many vouchers there are; of big ones on demand."""
    findings, looked, left = [], 0, []
    quotas = system.offers.quotas
    for offer in system.offers.offers.all():
        used = await quotas.used([offer], business_day(now))
        if used.get(offer.id, 0) > _MOST_VOUCHERS and not whole:
            left.append(offer.id)
            continue
        looked += 1
        wrong = await quotas.wrong(offer, now)
        findings += [_counter_finding(offer.id, each) for each in wrong]
    if left:
        what = f"not counted, for they are big: {_some(left)}"
        findings.append(Finding("counters", Level.NOTICE, what, "doctor --whole"))
    return findings or [Finding("counters", Level.OK, f"those of {looked} offers are right")]


def _counter_finding(offer_id: str, wrong: Corrected) -> Finding:
    what = f"{wrong.key} counts {wrong.counted}, and there are {wrong.vouchers}"
    return Finding("counters", Level.FAULT, what, f"offers reconcile {offer_id}")


async def of_catalogue(system: System, now: datetime) -> list[Finding]:
    """What is sold or offered beside the catalogue: spots that are closed, or have no gate."""
    today, snapshot = business_day(now), system.catalogue.snapshot
    gates = [each.gate for each in await system.admission.gate_keeping.all()]
    with_gate = {gate.spot_id for gate in gates if gate.state is not GateState.DISABLED}
    running = {offer.id for offer in system.offers.offers.all() if offer.may_run(today)}
    findings = []
    for edition in system.terms.editions.all_current():
        public = edition.product_id in running if edition.offer else edition.on_sale(today)
        if public:
            spots = {each: snapshot.get(each) for each in edition.spots_on(today)}
            # Where an entry has parts, its gates stand at these.
            gated = with_gate | {each for each in spots if snapshot.parts_of(each)}
            findings += list(_of_spots(edition.product_id, edition.offer, spots, gated))
    return findings or [Finding("catalogue", Level.OK, "what is sold is open, and has gates")]


def _of_spots(
    product_id: str, is_offer: bool, spots: Mapping[str, Spot | None], with_gate: set[str]
) -> Iterator[Finding]:
    opened = {each for each, spot in spots.items() if spot is not None and spot.takes_visitors}
    closed, without = sorted(spots.keys() - opened), sorted(opened - with_gate)
    if closed:
        level = Level.NOTICE if opened else Level.FAULT
        what = f"{product_id} is sold with {len(closed)} spots that are closed: {_some(closed)}"
        remedy = f"products withdraw-spot {product_id} --spot {closed[0]} …, or publish it without"
        if is_offer:
            remedy = f"publish {product_id} without them, or offers end {product_id}"
        yield Finding("catalogue", level, what, remedy)
    if without:
        what = f"{product_id}: {len(without)} of {len(opened)} spots have no gate: {_some(without)}"
        remedy = f"gates add --spot {without[0]} --kind …"
        yield Finding("catalogue", Level.NOTICE, what, remedy)


def of_holidays(system: System, now: datetime) -> list[Finding]:
    """Whether the holidays are known that rules name: of this year, and from November of the next.

    They are announced in November.
    """
    today, calendar = business_day(now), system.terms.holidays.calendar()
    editions = [each for each in system.terms.editions.all_current() if each.on_sale(today)]
    products = [each.product_id for each in editions if holidays_named(each.terms)]
    spots = [
        spot.id
        for spot in system.catalogue.snapshot.all()
        if any(rule.not_on_holidays for rule in spot.free_entry)
    ]
    if not products and not spots:
        return []
    whose = f"{len(products)} products and {len(spots)} spots name holidays"
    remedy = "holidays publish FILE, as the State Council has announced them"
    if not calendar.knows(today.year):
        level = Level.FAULT if products else Level.NOTICE
        what = f"those of {today.year} are not known: {whose}"
        return [Finding("holidays", level, what, remedy)]
    if today >= date(today.year, 11, 1) and not calendar.knows(today.year + 1):
        what = f"those of {today.year + 1} are not known yet: {whose}"
        return [Finding("holidays", Level.NOTICE, what, remedy)]
    return [Finding("holidays", Level.OK, f"those of {today.year} are known: {whose}")]


def _some(names: Sequence[str]) -> str:
    """A few of these names."""
    more = ", …" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
