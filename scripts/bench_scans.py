"""What the bench measures without HTTP: scans of a pass with a long ledger, among many passes, and
codes alone."""

import asyncio
import secrets
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

from passes.admission.gates import Gate, GateKind, Scan
from passes.base.calendar import business_day
from passes.codes import format as codes
from passes.holding.issuing import NewPass
from passes.holding.model import Pass
from passes.holding.shown_code import live_text
from passes.people.holder import Holder
from passes.people.identity import DocumentKind, IdentityDocument, identify
from passes.store.database import Document
from passes.store.documents import from_pass
from passes.terms.edition import Edition
from passes.terms.terms import Limits
from passes.terms.validity import Term
from server.clock import now
from server.mongo import Mongo
from server.settings import DriverName, load_settings
from server.system import System, open_system

SETTLE_SECONDS = 5
SPOT = "emeishan"
PRODUCT = "bench"
_BATCH = 200

Row = dict[str, object]


@asynccontextmanager
async def opened(
    uri: str, driver: DriverName, data_dir: Path
) -> AsyncIterator[tuple[Mongo, System]]:
    """A system over a database of its own for each driver."""
    async with Mongo(uri, f"bench_{driver}", driver) as mongo:
        data_dir = data_dir / driver
        data_dir.mkdir(exist_ok=True)
        yield mongo, await open_system(load_settings(data_dir=data_dir), mongo, now())


async def a_gate(system: System) -> Gate:
    """An enrolled turnstile."""
    new = await system.admission.gate_keeping.add(SPOT, GateKind.TURNSTILE, "", "bench", now())
    return await system.admission.gate_keeping.enrol(new.setup_code, now())


async def a_pass(system: System) -> Pass:
    """A pass that is admitted again and again, of somebody who holds no other."""
    today = business_day(now())
    number = f"T{secrets.randbelow(10**9):09}"
    passport = IdentityDocument(
        DocumentKind.PASSPORT, "TEST PERSON", number, "FRA", date(1990, 1, 1)
    )
    holder = system.people.identities.seal(identify(passport, today))
    new = NewPass(await _edition(system), holder, first_day=today)
    return await system.holding.issuing.issue(new, "bench", now())


async def _edition(system: System) -> Edition:
    """The example product without limits, published at the first call."""
    published = system.terms.editions.current(PRODUCT)
    if published is not None:
        return published
    example = system.terms.editions.all_current()[0]
    terms = replace(example.terms, term=Term(days=30), limits=Limits(per_spot_day=None))
    draft = replace(example, product_id=PRODUCT, terms=terms)
    await system.terms.publishing.publish([draft], "bench", now())
    await system.terms.editions.load()
    return await _edition(system)


async def fresh_codes(system: System, count: int) -> list[str]:
    """Rotating codes of this moment, each of a pass that was just issued to somebody else.

    The passes are stored past the services: none of them issues thousands in a second.
    """
    like, at = await a_pass(system), now()
    issued = [
        replace(like, id=secrets.token_hex(8), holder=Holder(lookup=secrets.token_hex(32)))
        for _ in range(count)
    ]
    stored = system.database.collection("passes")
    for start in range(0, count, _BATCH):
        await stored.insert_each(
            [_document(held, system) for held in issued[start : start + _BATCH]]
        )
    return [live_text(held, system.codes, at) for held in issued]


def _document(held: Pass, system: System) -> Document:
    """A pass as it is stored, with the MAC that makes it genuine."""
    document = from_pass(held)
    return document | {"mac": system.macs.of(document)}


async def ledger_cost(uri: str, data_dir: Path) -> list[Row]:
    """Scans of one pass without HTTP, at the beginning of its ledger and after 400 visits."""
    async with opened(uri, "pymongo", data_dir) as (_, system):
        gate, held = await a_gate(system), await a_pass(system)
        took: list[float] = []
        for number in range(440):
            scan = Scan(gate, live_text(held, system.codes, now()), f"n{number}", now())
            start = time.perf_counter()
            verdict, _ = await system.admission.admission.admit(scan, now())
            took.append((time.perf_counter() - start) * 1000)
            if not verdict.admitted:
                raise RuntimeError(verdict.reason)
            await system.ledger.records.write_marks()
        early, late = statistics.median(took[:40]), statistics.median(took[400:])
        return [
            {"scan without HTTP": "visits 1 to 40", "median ms": round(early, 2), "ratio": 1.0},
            {
                "scan without HTTP": "visits 401 to 440",
                "median ms": round(late, 2),
                "ratio": round(late / early, 2),
            },
        ]


async def crowd_cost(uri: str, data_dir: Path, many: int) -> list[Row]:
    """First scans without HTTP, among few passes and among very many."""
    async with opened(uri, "pymongo", data_dir) as (mongo, system):
        gate, rows = await a_gate(system), []
        for crowd in (0, many):
            await _fill(mongo, await a_pass(system), crowd)
            await asyncio.sleep(SETTLE_SECONDS)
            held = [await a_pass(system) for _ in range(60)]
            took: list[float] = []
            for each in held:
                scan = Scan(gate, live_text(each, system.codes, now()), "n", now())
                start = time.perf_counter()
                await system.admission.admission.admit(scan, now())
                took.append((time.perf_counter() - start) * 1000)
            rows.append(
                {
                    "first scan without HTTP": f"among {crowd} other passes",
                    "median ms": statistics.median(took),
                }
            )
        few, crowded = (float(str(row["median ms"])) for row in rows)
        return [
            rows[0] | {"median ms": round(few, 2), "ratio": 1.0},
            rows[1] | {"median ms": round(crowded, 2), "ratio": round(crowded / few, 2)},
        ]


async def _fill(mongo: Mongo, like: Pass, many: int) -> None:
    """Store so many more passes, each of a holder of its own."""
    passes = mongo.collection("passes")
    for start in range(0, many, _BATCH):
        batch = [
            replace(like, id=secrets.token_hex(8), holder=Holder(lookup=secrets.token_hex(32)))
            for _ in range(min(_BATCH, many - start))
        ]
        await passes.insert_each([from_pass(held) for held in batch])


async def code_cost(uri: str, data_dir: Path) -> list[Row]:
    """Reading one rotating code: Base45, signature, MAC."""
    async with opened(uri, "pymongo", data_dir) as (_, system):
        at = now()
        text = live_text(await a_pass(system), system.codes, at)
        took = []
        for _ in range(2000):
            start = time.perf_counter()
            codes.read(text, system.codes, at)
            took.append((time.perf_counter() - start) * 1e6)
        return [{"code": "read and verified", "median µs": round(statistics.median(took))}]
