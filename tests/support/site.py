"""A server, its database, and gates at two spots, as processes with a line between any two of them.

    server ── "database" line ── database
      ├── "north", "south" lines ── gates of 峨眉山, each for itself
      └── "hub" line ── hub of 仙女山
                          └── "east", "west", "plain" lines ── gates behind the hub

"plain" knows nothing of deciding alone: it sends each scan until it is answered.
"""

import asyncio
import json
import random
import re
import sqlite3
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from passes.admission.gates import GateKind
from passes.files.products import read_products
from passes.holding.issuing import NewPass
from passes.holding.model import Pass
from passes.holding.shown_code import live_text, static_text
from server.auth import Tokens
from server.clock import now
from server.embedded import ENGINE
from server.mongo import Mongo
from server.settings import load_settings
from server.system import System, open_system
from tests.support.api import Api
from tests.support.build import EMEISHAN, OPERATOR, XIANNVSHAN, person
from tests.support.history import Limit, Scanned
from tests.support.line import Line
from tests.support.programs import Program
from tests.support.troubles import Kind, Trouble
from tests.support.waiting import happens, until

PRODUCTS = """
id: trial-endless
title: {zh: 不限次, en: Endless}
term: {days: 30}
coverage: {spots: [emeishan, wulong-xiannvshan]}
limits: {per_spot_day: null}
---
id: trial-daily
title: {zh: 每日一次, en: Daily}
term: {days: 30}
coverage: {spots: [emeishan, wulong-xiannvshan]}
limits: {per_spot_day: 1}
---
id: trial-three
title: {zh: 三次, en: Three}
term: {days: 30}
coverage: {spots: [emeishan, wulong-xiannvshan]}
limits: {per_spot_day: null, total: 3}
"""
LIMITS = {
    "trial-endless": Limit(),
    "trial-daily": Limit(per_spot_day=1),
    "trial-three": Limit(total=3),
}
SCANS = "/api/v1/gate/scans"
PAUSE = 0.3
"""Seconds from an answer to the next scan of a gate, at the most."""
GO_AWAY = 0.1
"""The part of those who are let in and do not go through."""
MOST_ECHOED = 50


@dataclass(frozen=True)
class Place:
    """Where a gate stands."""

    name: str
    spot_id: str
    kind: GateKind


PLACES = (
    Place("north", EMEISHAN, GateKind.TURNSTILE),
    Place("south", EMEISHAN, GateKind.HANDHELD),
    Place("east", XIANNVSHAN, GateKind.TURNSTILE),
    Place("west", XIANNVSHAN, GateKind.HANDHELD),
)
PLAIN = Place("plain", XIANNVSHAN, GateKind.HANDHELD)
HUB = Place("hub", XIANNVSHAN, GateKind.HANDHELD)
GATES = tuple(place.name for place in (*PLACES, HUB))
LINES = (*GATES, PLAIN.name, "database")


@dataclass(frozen=True)
class Showing:
    """A pass that was shown and let in: what the scanner read, and when."""

    scan: Scanned
    text: str
    at: datetime


@dataclass
class Seen:
    """What gates showed."""

    lights: list[Showing] = field(default_factory=list)
    interrupted: list[tuple[str, str]] = field(default_factory=list)
    annulled: list[Scanned] = field(default_factory=list)
    """Admissions that their gates took back, and said so."""
    doubtful: list[Scanned] = field(default_factory=list)
    """Admissions that were to be taken back, and nobody knows whether they are."""
    answers: Counter[str] = field(default_factory=Counter)
    """How many of each kind: `admitted, online`, `refused, alone`, `not_kept` …"""


class Visitors:
    """The passes that visitors show, as text in a QR picture."""

    def __init__(self, system: System, passes: Mapping[str, Sequence[Pass]]) -> None:
        """`passes` by product."""
        self._system = system
        self._passes = passes
        self.limits = {held.id: LIMITS[product] for product in passes for held in passes[product]}

    def show(self, kind: GateKind, chance: random.Random) -> tuple[str, str]:
        """A pass, by its serial, and the text that is shown: on a phone at a turnstile, on paper to
        staff."""
        if kind.staffed:
            held = chance.choice(self._passes[chance.choice(("trial-daily", "trial-three"))])
            return held.id, static_text(held, self._system.codes)
        held = chance.choice(self._passes["trial-endless"])
        return held.id, live_text(held, self._system.codes, now())


class PlainGate:
    """A gate without any logic of its own: it sends each scan until there is an answer."""

    def __init__(self, gate_id: str, token: str, line: Line, seen: Seen) -> None:
        """`line` leads to a server, or to a hub."""
        self._id = gate_id
        self._token = token
        self._line = line
        self._seen = seen

    async def scan_on(self, visitors: Visitors, chance: random.Random, over: asyncio.Event) -> None:
        """Scan until it is over, and each scan is answered."""
        with closing(Api(self._line.port)) as api:
            while not over.is_set():
                await asyncio.sleep(chance.uniform(0, PAUSE))
                await self._scan(api, visitors, chance)

    async def _scan(self, api: Api, visitors: Visitors, chance: random.Random) -> None:
        pass_id, text = visitors.show(PLAIN.kind, chance)
        at = now()
        nonce = f"{chance.getrandbits(64):016x}"
        body = {"code": text, "nonce": nonce, "scanned_at": at.isoformat()}
        answer = await self._answer(api, body)
        self._seen.answers[f"{answer['verdict']}, plain"] += 1
        if answer["verdict"] == "admitted":
            self._seen.lights.append(Showing(Scanned(self._id, nonce, pass_id), text, at))

    async def _answer(self, api: Api, body: Any) -> Any:
        while True:
            with suppress(OSError):
                answer = await api.post(SCANS, body, self._token)
                if answer.status == 200:
                    return answer.json
                assert answer.status == 503, answer.body
            await asyncio.sleep(PAUSE)


class GateProcess:
    """A process of the gate program."""

    def __init__(self, name: str, gate_id: str, journal: Path) -> None:
        """`program` is to be set."""
        self.name = name
        self.gate_id = gate_id
        self.journal = journal
        self.program: Program
        self.events: Counter[str] = Counter()
        self.left = 0
        """How many items waited after the last upload."""

    def said(self, line: str) -> None:
        """A line of its output: JSON, but for what goes to its log."""
        with suppress(ValueError):
            self.hear(json.loads(line))

    def hear(self, document: Mapping[str, Any]) -> None:
        """What it says."""
        self.events[document["event"]] += 1
        self.left = document.get("left", self.left)

    def ended(self) -> None:
        """It has died."""

    @property
    def waiting(self) -> int:
        """How much is in its journal that the server does not know; while it does not run."""
        return len(self._rows("state IN ('asked', 'queued')"))

    @property
    def asked(self) -> list[str]:
        """The scans that the server is asked about; while it does not run."""
        return [str(nonce) for (nonce,) in self._rows("state = 'asked'")]

    def _rows(self, where: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.journal)) as journal:
            return journal.execute(f"SELECT nonce FROM scans WHERE {where}").fetchall()


class ProgramGate(GateProcess):
    """A gate, and whoever shows passes there, one after the other; some do not go through."""

    def __init__(self, name: str, gate_id: str, journal: Path, place: Place, seen: Seen) -> None:
        """`seen` gets what it shows."""
        super().__init__(name, gate_id, journal)
        self._kind = place.kind
        self._seen = seen
        self._asked: Showing | Scanned | None = None
        """What has no answer yet: a pass that is shown, or an admission to take back."""
        self._answered = asyncio.Event()

    def hear(self, document: Mapping[str, Any]) -> None:
        """What it shows."""
        super().hear(document)
        asked = self._asked
        if asked is None or document["event"] not in {"scan", "annulled"}:
            return
        if isinstance(asked, Showing):
            self._hear_verdict(document, asked)
        elif document["event"] == "annulled":
            self._seen.answers["annulled"] += 1
            self._seen.annulled.append(asked)
        else:
            self._seen.doubtful.append(asked)
        self._settle()

    def _hear_verdict(self, document: Mapping[str, Any], shown: Showing) -> None:
        if document["verdict"] is None:
            self._seen.answers[str(document["reason"])] += 1
            return
        where = "online" if document["online"] else "alone"
        self._seen.answers[f"{document['verdict']}, {where}"] += 1
        if document["verdict"] == "admitted":
            scan = replace(shown.scan, nonce=document["nonce"])
            self._seen.lights.append(replace(shown, scan=scan))

    def ended(self) -> None:
        """It has died. What it was about to say nobody knows."""
        if isinstance(self._asked, Showing):
            self._seen.interrupted.append((self.gate_id, self._asked.scan.pass_id))
        elif self._asked is not None:
            self._seen.doubtful.append(self._asked)
        self._settle()

    def _settle(self) -> None:
        self._asked = None
        self._answered.set()

    async def scan_on(self, visitors: Visitors, chance: random.Random, over: asyncio.Event) -> None:
        """Show passes until it is over, and each of them is answered."""
        while not over.is_set():
            await asyncio.sleep(chance.uniform(0, PAUSE))
            pass_id, text = visitors.show(self._kind, chance)
            lights = len(self._seen.lights)
            await self._ask(Showing(Scanned(self.gate_id, "", pass_id), text, now()), text)
            let_in = [each.scan for each in self._seen.lights[lights:]]
            for scan in let_in:
                if scan.gate_id == self.gate_id and chance.random() < GO_AWAY:
                    await self._ask(scan, json.dumps({"annul": scan.nonce}))

    async def _ask(self, what: Showing | Scanned, line: str) -> None:
        await until(lambda: self.program.pid is not None, f"{self.name} runs")
        self._answered.clear()
        self._asked = what
        self.program.type(line)
        await happens(self._answered, f"{self.name} answers")


class Site:
    """All programs and lines of a trial."""

    def __init__(self, data: Path, lines: Mapping[str, Line]) -> None:
        """`data` is the folder of a database whose first start is over; `lines` are `LINES`."""
        self.lines = lines
        self.clocks = {name: data / f"{name}.clock" for name in GATES}
        """Files that say by how many seconds the clocks of gates are wrong."""
        self.gates: dict[str, GateProcess] = {}
        self.programs: dict[str, Program] = {}
        self._tokens: dict[str, str] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._data = data
        self._password = (data / "mongodb" / "password").read_text("utf-8")

    async def add_gates(self, system: System, seen: Seen) -> list[PlainGate | ProgramGate]:
        """The gates and the hub are added, and run from now on; those at which somebody scans."""
        for place in (HUB, *PLACES):
            gate_id, setup_code = await self._added(system, place)
            journal = self._data / f"{place.name}.journal"
            process: GateProcess
            if place is HUB:
                process = GateProcess(place.name, gate_id, journal)
            else:
                process = ProgramGate(place.name, gate_id, journal, place, seen)
            self._run(process, setup_code)
        gate_id, setup_code = await self._added(system, PLAIN)
        token = await self._enrolled(setup_code)
        scanning = [each for each in self.gates.values() if isinstance(each, ProgramGate)]
        return [PlainGate(gate_id, token, self.lines["plain"], seen), *scanning]

    async def learn_tokens(self, system: System) -> None:
        """Wait until every gate has enrolled; from then on their tokens are known here, too."""
        every = self.gates.values()
        await until(lambda: all(gate.events["enrolled"] for gate in every), "gates enrol")
        await system.admission.gates.load()
        tokens = Tokens(system.keys.tokens, system.keys.epoch)
        enrolled = {gate.id: gate for gate in system.admission.gates.all()}
        for gate in every:
            self._tokens[gate.gate_id] = tokens.for_gate(enrolled[gate.gate_id], now())

    async def echo(self, seen: Seen, chance: random.Random) -> None:
        """Upload once more what a gate has shown, shuffled: the gate may not have done it yet."""
        gate_id, token = chance.choice(sorted(self._tokens.items()))
        shown = [each for each in seen.lights if each.scan.gate_id == gate_id]
        again = chance.sample(shown, min(len(shown), MOST_ECHOED))
        if not again:
            return
        about = {"sent_at": now().isoformat(), "bundle": None, "version": "echo"}
        body = {**about, "items": [_item(each) for each in again]}
        with closing(Api(self.lines["north"].to_port)) as api, suppress(OSError):
            answer = await api.post(f"{SCANS}/batch", body, token)
            if answer.status != 503:
                assert answer.status == 200, answer.body
                seen.answers["echoed"] += len(again)
                results = [each["result"] for each in answer.json["items"]]
                assert "wrong" not in results, answer.body

    async def _added(self, system: System, place: Place) -> tuple[str, str]:
        """A new gate and its setup code."""
        added = await system.admission.gate_keeping.add(
            place.spot_id, place.kind, "", OPERATOR, now(), hub=place is HUB
        )
        return added.gate.id, added.setup_code

    async def _enrolled(self, setup_code: str) -> str:
        """The token of a gate that enrols."""
        with closing(Api(self.lines["hub"].port)) as api:
            answer = await api.post("/api/v1/gate/enrol", {"setup_code": setup_code})
            assert answer.status == 200, answer.body
            return str(answer.json["token"])

    def _run(self, gate: GateProcess, setup_code: str) -> None:
        """Let a gate, or the hub, run from now on."""
        self.clocks[gate.name].write_text("0")
        server = ("--server", self.lines[gate.name].base, "--setup-code", setup_code)
        hub = ("--hub", "127.0.0.1:0") if gate.name == HUB.name else ()
        leads = self._leads("east", "west", "plain")

        def said(line: str) -> None:
            gate.said(line)
            if hub:
                leads(line)

        gate.program = self._program(
            gate.name,
            [
                *("-m", "tests.support.skewed_gate", str(self.clocks[gate.name])),
                *(*server, *hub, "--journal", str(gate.journal), "--json"),
            ],
            said,
            gate.ended,
        )
        self.gates[gate.name] = gate
        self.start(gate.name, gate.program)

    def _program(
        self,
        name: str,
        command: Sequence[str],
        said: Callable[[str], None],
        ended: Callable[[], None] = lambda: None,
        **env: str,
    ) -> Program:
        log = self._data / f"{name}.log"
        return Program([sys.executable, *command], log, said, ended, **env)

    def _leads(self, *lines: str) -> Callable[[str], None]:
        """What lets lines lead to where a program says that it listens."""

        def said(line: str) -> None:
            found = re.search(r"listening on \S*?:(\d+)", line)
            if found:
                for name in lines:
                    self.lines[name].to_port = int(found[1])

        return said

    @property
    def _uri(self) -> str:
        """Of the database, over its line."""
        options = "retryWrites=false&directConnection=true&authSource=admin"
        address = f"127.0.0.1:{self.lines['database'].port}"
        return f"mongodb://bashu:{self._password}@{address}/?{options}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Database and server run, and whatever is started besides, until this is left."""
        database = self._program("database", _database(self._data), self._leads("database"))
        server = self._program(
            "server",
            ["run.py", "--port", "0", "--data-dir", str(self._data)],
            self._leads("north", "south", "hub"),
            BASHU_MONGO_URI=self._uri,
        )
        try:
            self.start("database", database)
            self.start("server", server)
            yield
        finally:
            for name in reversed(self.programs):
                await self.stop(name)

    def start(self, name: str, program: Program) -> None:
        """Let a program run from now on, however often it dies."""
        self.programs[name] = program
        self._running[name] = asyncio.create_task(program.keep_running())

    async def stop(self, name: str) -> None:
        """Let a program end, as a machine does that is shut down."""
        self.programs[name].leave()
        await self._running[name]

    @asynccontextmanager
    async def joined(self) -> AsyncIterator[System]:
        """The system over the database of the site."""
        settings = load_settings(data_dir=self._data)
        async with Mongo(self._uri, settings.mongo_database, "pymongo") as mongo:
            yield await open_system(settings, mongo, now(), serves=False)

    async def until_it_serves(self) -> None:
        """Wait until the server is ready."""

        async def is_ready() -> bool:
            with closing(Api(self.lines["hub"].port)) as api:
                try:
                    return (await api.get("/readyz")).status == 200
                except OSError:
                    return False

        await until(is_ready, "the server is ready")

    async def suffer(self, trouble: Trouble, seen: Seen) -> None:
        """Let a trouble come at its time, and go."""
        await asyncio.sleep(trouble.at)
        name = trouble.whom
        if trouble.kind is Kind.ECHO:
            await self.echo(seen, random.Random(trouble.amount))
        elif trouble.kind is Kind.KILL:
            self.programs[name].kill(trouble.lasts)
        elif trouble.kind is Kind.SKEW:
            self.clocks[name].write_text(str(trouble.amount))
        elif trouble.kind is Kind.FILL:
            self.programs[name].fill_disk()
            await asyncio.sleep(trouble.lasts)
            self.programs[name].empty_disk()
        else:
            line = self.lines[name]
            harm(line, trouble)
            await asyncio.sleep(trouble.lasts)
            line.heal()

    async def until_all_is_uploaded(self) -> list[str]:
        """Wait until no journal has anything that the server does not know; gates first, for what
        they have goes to the hub. What was still being asked, though nobody scans."""
        stuck = []
        for name, gate in reversed(self.gates.items()):
            await self.stop(name)
            stuck += [f"{name} asks for {nonce}" for nonce in gate.asked]
            while gate.waiting:
                uploads = gate.events["uploaded"]
                self.start(name, gate.program)
                await until(
                    lambda: gate.events["uploaded"] > uploads and gate.left == 0,  # noqa: B023
                    f"{name} has uploaded all",
                )
                await self.stop(name)
        return stuck


def _item(shown: Showing) -> dict[str, Any]:
    """What a gate uploads of a scan that it has let in."""
    return {
        "kind": "scan",
        "nonce": shown.scan.nonce,
        "code": shown.text,
        "scanned_at": shown.at.isoformat(),
        "decided": {"reason": "ok", "admits": 1, "pays": 0},
    }


def harm(line: Line, trouble: Trouble) -> None:
    """Cut a line, or what else happens to it."""
    if trouble.kind is Kind.CUT:
        line.cut()
    elif trouble.kind is Kind.SILENCE:
        line.silence()
    elif trouble.kind is Kind.DEAFEN:
        line.deafen()
    else:
        line.delay = trouble.amount


def _database(data: Path) -> list[str]:
    """What Python runs for the embedded database, with the flags of `server.embedded`."""
    empty = data / "empty.toml"
    empty.write_text("", "utf-8")
    return [
        *(str(Path(sys.executable).parent / ENGINE), "--config", str(empty)),
        *("--storage-path", str(data / "mongodb"), "--host", "127.0.0.1", "--port", "0"),
        *("--standalone", "--auth", "--sync-on-commit", "--cache-size", "256M"),
        *("--log-level", "INFO"),
    ]


async def some_passes(system: System, folder: Path, many: int) -> dict[str, list[Pass]]:
    """So many passes of each product of the trial, by product."""
    files = []
    for text, name in zip(PRODUCTS.split("---"), LIMITS, strict=True):
        files.append(folder / f"{name}.yaml")
        files[-1].write_text(text, "utf-8")
    await system.terms.publishing.publish(read_products(files), OPERATOR, now())
    for load in system.loaders().values():
        await load()
    passes: dict[str, list[Pass]] = {}
    for product in LIMITS:
        edition = system.terms.editions.current(product)
        assert edition is not None
        passes[product] = [
            await system.holding.issuing.issue(
                NewPass(edition, system.people.identities.seal(person(n))), OPERATOR, now()
            )
            for n in range(many)
        ]
    return passes
