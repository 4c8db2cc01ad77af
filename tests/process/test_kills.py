"""Kills at random moments under scans, annulments, claims and cancellations.

Each round starts a server, lets gates and visitors call it, kills a victim, starts it again on the
same data, and lets everybody retry until they have their answer. Then what is stored has to be what
was acknowledged: docs/reliability.md has the figures of 100 rounds.

`--kills N` sets how many rounds, `--kill-seed S` where they begin. A round is told by its number
alone, so round 17 is repeated by `--kills 1 --kill-seed 17`.
"""

import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from passes.admission.gates import GateKind
from passes.files.offers import read_offers
from passes.files.products import read_products
from passes.holding.issuing import NewPass
from passes.holding.model import Pass
from passes.holding.shown_code import static_text
from passes.ledger.records import Record, appended
from passes.ledger.tally import Tally
from server.clock import now
from server.embedded import running_uri
from server.mongo import Mongo
from server.settings import DriverName, load_settings
from server.system import System, open_system
from tests.support.api import Api
from tests.support.build import EMEISHAN, NOW, OPERATOR, SERIAL, XIANNVSHAN, held, person, record
from tests.support.clients import SCANS, Clients, GateClient, TriedClaim, TriedScan
from tests.support.explaining import faults_of_ledger, faults_of_vouchers
from tests.support.processes import SECONDS, Server, Start, workers_of
from tests.support.trials import Kills
from tests.support.victims import VICTIMS, Victim
from tests.support.visitors import token_of
from tests.support.waiting import until

SPOTS = (EMEISHAN, XIANNVSHAN)
GATES = 8
VISITORS = 60
CLAIMERS = 6
QUOTA = 25
LIMIT = 5
PASSES_OF_A_ROUND = {"kills-endless": None, "kills-five": LIMIT}
"""Two passes of each of these products take part in a round; how many visits each may have."""
SCANS_AFTERWARDS = 40
"""Scans that are answered after the server has come back, before the gates leave."""

PRODUCTS = """
id: kills-endless
title: {zh: 不限次, en: Endless}
term: {days: 30}
coverage: {spots: [emeishan, wulong-xiannvshan]}
limits: {per_spot_day: null}
---
id: kills-five
title: {zh: 五次, en: Five}
term: {days: 30}
coverage: {spots: [emeishan, wulong-xiannvshan]}
limits: {per_spot_day: null, total: 5}
"""
OFFER = """
id: kills-{number}
title: {{zh: 抢券, en: Rush}}
benefit: {{kind: buy_one_get_one}}
spots: [emeishan]
window: {{from: 2020-01-01, until: 2099-12-31}}
eligible: [anyone]
quota: {{total: {quota}, per_person: 1}}
voucher: {{valid_days: 30}}
real_name: false
"""


@dataclass(frozen=True)
class Round:
    """What is done in a round: all of it follows from its number."""

    number: int

    @property
    def victim(self) -> Victim:
        return VICTIMS[self.number % len(VICTIMS)]

    @property
    def driver(self) -> DriverName:
        """Five victims and two drivers: ten rounds have each victim with each driver."""
        drivers: tuple[DriverName, DriverName] = ("pymongo", "motor")
        return drivers[self.number % 2]

    @property
    def workers(self) -> int:
        return self.victim.workers[self.number // 10 % len(self.victim.workers)]

    @property
    def offer(self) -> str:
        return f"kills-{self.number}"

    def chance(self) -> random.Random:
        return random.Random(self.number)

    def __str__(self) -> str:
        return f"{self.number}: {self.victim.name}, {self.driver}, {self.workers} workers"


@dataclass(frozen=True)
class Prepared:
    """What is there before the rounds: gates, and the codes of passes for each round."""

    gates: Sequence[GateClient]
    codes: dict[int, dict[str, str]]
    """By the number of a round: the codes by pass."""
    limits: dict[str, int | None]
    """By pass: how many visits it may have."""


@dataclass(frozen=True)
class Outcome:
    """What a round has shown."""

    round: Round
    started: float
    """Seconds of a start on this data."""
    back: float
    """Seconds from the kill until the server serves again."""
    clients: Clients
    faults: Sequence[str]

    def __str__(self) -> str:
        clients, scans, claims = self.clients, self.clients.scans, self.clients.claims
        return (
            f"round {self.round}: back after {self.back:.2f} s, start {self.started:.2f} s, "
            f"{len(scans)} scans, {sum(each.admitted for each in scans)} admitted, "
            f"{sum(each.annulled for each in scans)} annulled, {len(claims)} claims, "
            f"{sum(each.voucher is not None for each in claims)} vouchers, "
            f"{sum(each.cancelled for each in claims)} given back, "
            f"longest wait {clients.longest_wait:.2f} s, seen {dict(clients.seen)}"
        )


@pytest.mark.slow
@pytest.mark.timeout(seconds=3600)
async def test_what_is_acknowledged_outlives_every_kill(
    server: Start, tmp_path: Path, kills: Kills
) -> None:
    rounds = [Round(number) for number in kills.numbers()]
    print(f"{len(rounds)} rounds, --kill-seed {kills.seed}")
    prepared = await prepare(server, tmp_path, rounds)
    outcomes: list[Outcome] = []
    for each in rounds:
        try:
            outcome = await killed_once(server, tmp_path / "var", each, prepared)
            print(outcome, flush=True)
            assert outcome.faults == []
        except Exception as error:
            repeat = f"--kills 1 --kill-seed {each.number}"
            error.add_note(f"round {each}; repeat: pytest tests/process/test_kills.py {repeat}")
            raise
        outcomes.append(outcome)
    tell(outcomes)


async def prepare(server: Start, folder: Path, rounds: Sequence[Round]) -> Prepared:
    """Fill the data directory: products, an offer for each round, passes, gates."""
    running = server()
    products, offers = folder / "products", folder / "offers"
    products.mkdir()
    offers.mkdir()
    for text, name in zip(PRODUCTS.split("---"), PASSES_OF_A_ROUND, strict=True):
        (products / f"{name}.yaml").write_text(text, "utf-8")
    for each in rounds:
        text = OFFER.format(number=each.number, quota=QUOTA)
        (offers / f"{each.offer}.yaml").write_text(text, "utf-8")
    codes: dict[int, dict[str, str]] = {}
    limits: dict[str, int | None] = {}
    async with joined(folder / "var") as system:
        await system.terms.publishing.publish(
            read_products(sorted(products.iterdir())), OPERATOR, now()
        )
        await system.offers.publishing.publish(
            read_offers(sorted(offers.iterdir())), OPERATOR, now()
        )
        for load in system.loaders().values():
            await load()
        people = (system.people.identities.seal(person(n)) for n in range(3 * len(rounds)))
        for each in rounds:
            codes[each.number] = {}
            for holder in (next(people), next(people)):
                for product, limit in PASSES_OF_A_ROUND.items():
                    edition = system.terms.editions.current(product)
                    assert edition is not None
                    new = NewPass(edition, holder)
                    issued = await system.holding.issuing.issue(new, OPERATOR, now())
                    codes[each.number][issued.id] = static_text(issued, system.codes)
                    limits[issued.id] = limit
        added = [
            await system.admission.gate_keeping.add(
                SPOTS[n % len(SPOTS)], GateKind.HANDHELD, "", OPERATOR, now()
            )
            for n in range(GATES)
        ]
    api = Api(running.port)
    gates = []
    for new_gate in added:
        enrolled = await api.post("/api/v1/gate/enrol", {"setup_code": new_gate.setup_code})
        assert enrolled.status == 200, enrolled.body
        gates.append(GateClient(enrolled.json["gate_id"], enrolled.json["token"]))
    api.close()
    assert await asyncio.to_thread(running.stop) == 0
    return Prepared(gates, codes, limits)


@asynccontextmanager
async def joined(data: Path) -> AsyncIterator[System]:
    """The system over the database of the running server."""
    uri = running_uri(data)
    assert uri is not None
    settings = load_settings(data_dir=data)
    async with Mongo(uri, settings.mongo_database, "pymongo") as mongo:
        yield await open_system(settings, mongo, now(), serves=False)


async def killed_once(server: Start, data: Path, each: Round, prepared: Prepared) -> Outcome:
    """One round: kill under calls, come back, let everybody retry, compare."""
    flags = ("--workers", str(each.workers))
    env = {"BASHU_MONGO_DRIVER": each.driver, "BASHU_TRUSTED_PROXIES": "127.0.0.1"}
    began = time.monotonic()
    running = await asyncio.to_thread(server, *flags, **env)
    started = time.monotonic() - began

    # 1. Everybody calls.
    chance = each.chance()
    clients = Clients(chance)
    clients.reach(running.port)
    visitors = await signed_in_visitors(clients.apis[-1], each)
    calling = [
        asyncio.create_task(clients.scan_on(gate, prepared.codes[each.number]))
        for gate in prepared.gates
    ]
    claiming = [
        asyncio.create_task(clients.claim_in_turn(each.offer, visitors[n::CLAIMERS]))
        for n in range(CLAIMERS)
    ]
    enough = chance.randrange(10, 160)
    await until(lambda: clients.answers >= enough, f"{enough} calls are answered")

    # 2. The victim dies; what has ended is started again at once, as a service manager does.
    killed = time.monotonic()
    workers = workers_of(running)
    each.victim.kill(running)
    if each.victim.status is None:
        await until(lambda: has_replaced_one_of(workers, running), "the worker is replaced")
    else:
        assert await asyncio.to_thread(running.process.wait, SECONDS) == each.victim.status
        running = await asyncio.to_thread(server, *flags, **env)
        clients.reach(running.port)

    async def is_ready() -> bool:
        try:
            return (await clients.apis[-1].get("/readyz")).status == 200
        except OSError:  # it went to the worker that has just died
            return False

    await until(is_ready, "it is ready again")
    back = time.monotonic() - killed

    # 3. Everybody goes on until each has an answer.
    scans = len(clients.scans) + SCANS_AFTERWARDS
    await asyncio.gather(*claiming)
    await until(lambda: len(clients.scans) >= scans, "gates scan on")
    clients.leaving = True
    await asyncio.gather(*calling)

    # 4. What is stored is what was acknowledged.
    faults = await asked_again(clients, each)
    async with joined(data) as system:
        faults += await compared(system, clients, each, prepared)
    faults += await sold_out_at_last(clients, each)
    async with joined(data) as system:
        vouchers = await system.holding.passes.of_product(each.offer)
        live = [voucher for voucher in vouchers if voucher.cancelled_at is None]
        if len(live) != QUOTA:
            faults.append(f"{len(live)} of {QUOTA} vouchers can be claimed")
    clients.close()
    assert await asyncio.to_thread(running.stop) == 0
    return Outcome(each, started, back, clients, faults)


async def signed_in_visitors(api: Api, each: Round) -> list[tuple[str, str]]:
    """Tokens and addresses of visitors who have signed in."""
    visitors = []
    for n in range(VISITORS):
        address = f"198.51.{each.number % 250}.{n}"
        name = f"v{each.number}-{n}"
        visitors.append((await token_of(api, name, X_Forwarded_For=address), address))
    return visitors


def has_replaced_one_of(workers: Sequence[int], running: Server) -> bool:
    """Whether there are as many workers as before, one of them new."""
    present = workers_of(running)
    return len(present) == len(workers) and set(present) != set(workers)


async def asked_again(clients: Clients, each: Round) -> list[str]:
    """Send again what was acknowledged: each call has to get the same answer."""

    async def same_verdict(scan: TriedScan) -> list[str]:
        answer = await clients.answer(SCANS, scan.body, scan.gate.token)
        if scan.annulled:
            right = answer.json.get("code") == "scan_annulled"
        else:
            right = answer.json == scan.told
        return [] if right else [f"scan {scan.body['nonce']}: {answer.json}, not {scan.told}"]

    async def same_voucher(claim: TriedClaim) -> list[str]:
        again = await clients.claim(each.offer, claim.token, claim.address, claim.key)
        right = again.voucher == claim.voucher
        return [] if right else [f"claim {claim.key}: {again.voucher}, not {claim.voucher}"]

    claims = [claim for claim in clients.claims if claim.voucher is not None]
    answered = await asyncio.gather(
        *map(same_verdict, list(clients.scans)), *map(same_voucher, claims)
    )
    return [fault for faults in answered for fault in faults]


async def compared(system: System, clients: Clients, each: Round, prepared: Prepared) -> list[str]:
    """The ledgers and vouchers beside what clients were told; the counters are reconciled."""
    faults = []
    for pass_id in prepared.codes[each.number]:
        records = await system.ledger.records.whole(pass_id)
        scans = [scan for scan in clients.scans if scan.pass_id == pass_id]
        faults += faults_of_ledger(records, scans, prepared.limits[pass_id])
    vouchers = await system.holding.passes.of_product(each.offer)
    faults += faults_of_vouchers(vouchers, clients.claims, QUOTA)

    # A crash may leave a counter too high, never too low: so nothing is sold twice.
    live = sum(voucher.cancelled_at is None for voucher in vouchers)
    counted = (await system.offers.counters.counts([each.offer]))[each.offer]
    if counted < live:
        faults.append(f"{counted} are counted where {live} are claimed")
    (offer,) = [offer for offer in await system.offers.stored.all() if offer.id == each.offer]
    later = now() + timedelta(minutes=2)
    reconciled = await system.offers.quotas.reconcile(offer, later)
    if reconciled.busy:
        faults.append(f"counters cannot be corrected: {reconciled}")
    return faults


async def sold_out_at_last(clients: Clients, each: Round) -> list[str]:
    """Let those who have none claim again, under new keys, until nothing is left."""
    without = [claim for claim in clients.claims if claim.voucher is None or claim.cancelled]
    for claim in without:
        key = f"{clients.chance.getrandbits(64):016x}"
        again = await clients.claim(each.offer, claim.token, claim.address, key)
        if again.problem is not None:
            return [] if again.problem == "sold_out" else [f"a claim is {again.problem}"]
    return ["nobody was told that all are claimed"]


def tell(outcomes: Sequence[Outcome]) -> None:
    """The figures of docs/reliability.md."""
    for victim in VICTIMS:
        of_victim = [each for each in outcomes if each.round.victim is victim]
        if not of_victim:
            continue
        back = [each.back for each in of_victim]
        waits = [each.clients.longest_wait for each in of_victim]
        drivers = [each.round.driver for each in of_victim]
        print(
            f"{victim.name}: {drivers.count('pymongo')} pymongo, {drivers.count('motor')} motor, "
            f"{sum(len(each.clients.scans) for each in of_victim)} scans, "
            f"{sum(len(each.clients.claims) for each in of_victim)} claims, "
            f"back after {statistics.median(back):.1f} s (worst {max(back):.1f}), "
            f"longest wait {statistics.median(waits):.1f} s (worst {max(waits):.1f})"
        )


def a_scan(nonce: str, *, verdict: str = "admitted", annulled: bool = False) -> TriedScan:
    gate = GateClient(f"{EMEISHAN}-turnstile", "token")
    return TriedScan(gate, SERIAL, {"nonce": nonce}, {"verdict": verdict}, annulled)


def a_ledger(*nonces: str) -> list[Record]:
    """The ledger of admissions under these nonces."""
    records: list[Record] = []
    for n, nonce in enumerate(nonces, 1):
        at = NOW + timedelta(minutes=n)
        admitted = replace(record(n, at, Tally()), nonce=nonce)
        records.append(appended(records, admitted))
    return records


LEDGERS = {
    "lost": (a_ledger("n1"), [a_scan("n1"), a_scan("n2")], "admission {gate} n2 is lost"),
    "doubled": (a_ledger("n1", "n1"), [a_scan("n1")], "admission {gate} n1 is doubled"),
    "refused-but-stored": (
        a_ledger("n1"),
        [a_scan("n1", verdict="refused")],
        "admission {gate} n1 is not explained",
    ),
    "annulment-lost": (
        a_ledger("n1"),
        [a_scan("n1", annulled=True)],
        "annulment {gate} n1 is lost",
    ),
    "over-the-limit": (
        a_ledger("n1", "n2", "n3"),
        [a_scan("n1"), a_scan("n2"), a_scan("n3")],
        "record 3 exceeds the limit of 2",
    ),
    "gap": (
        a_ledger("n0", "n1")[1:],
        [a_scan("n1")],
        "the numbers of the records have a gap",
    ),
}
"""By what is wrong: the records, what gates were told, and the fault that has to be found."""


@pytest.mark.parametrize(("records", "scans", "fault"), LEDGERS.values(), ids=LEDGERS)
def test_a_wrong_ledger_is_noticed(
    records: list[Record], scans: list[TriedScan], fault: str
) -> None:
    faults = faults_of_ledger(records, scans, limit=2)
    assert fault.format(gate=f"{EMEISHAN}-turnstile") in faults


def test_a_right_ledger_has_no_faults() -> None:
    scans = [a_scan("n1"), a_scan("n2"), a_scan("n3", verdict="refused")]
    assert faults_of_ledger(a_ledger("n1", "n2"), scans, limit=2) == []


def a_claim(voucher: str, *, cancelled: bool = False) -> TriedClaim:
    return TriedClaim("key", "token", "192.0.2.1", voucher, None, cancelled)


VOUCHERS = {
    "lost": ([], [a_claim("v1")], "voucher v1 is lost"),
    "not-explained": ([held(id="v1")], [], "voucher v1 is not explained"),
    "cancellation-lost": (
        [held(id="v1")],
        [a_claim("v1", cancelled=True)],
        "cancellation v1 is lost",
    ),
    "oversold": (
        [held(id="v1"), held(id="v2")],
        [a_claim("v1"), a_claim("v2")],
        "2 vouchers where there are 1",
    ),
    "two-of-one-person": (
        [held(id="v1"), held(id="v2")],
        [a_claim("v1"), a_claim("v2")],
        "somebody holds two vouchers",
    ),
}
"""By what is wrong: the vouchers, what visitors were told, and the fault that has to be found."""


@pytest.mark.parametrize(("vouchers", "claims", "fault"), VOUCHERS.values(), ids=VOUCHERS)
def test_wrong_vouchers_are_noticed(
    vouchers: list[Pass], claims: list[TriedClaim], fault: str
) -> None:
    assert fault in faults_of_vouchers(vouchers, claims, quota=1)
