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
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from typing import Any

from passes.admission.gates import GateKind
from passes.files.products import read_products
from passes.holding.issuing import NewPass
from passes.holding.model import Pass
from passes.holding.shown_code import live_text, static_text
from server.clock import now
from server.embedded import ENGINE
from server.mongo import Mongo
from server.settings import load_settings
from server.system import System, open_system
from tests.support.api import Api
from tests.support.build import EMEISHAN, OPERATOR, XIANNVSHAN, person
from tests.support.history import Limit, Scanned
from tests.support.line import Line, line_to
from tests.support.programs import Program
from tests.support.troubles import Kind, Trouble
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


@dataclass(frozen=True)
class Place:
    """Where a gate stands, and to whom its line leads."""

    name: str
    spot_id: str
    kind: GateKind
    behind: str


PLACES = (
    Place("north", EMEISHAN, GateKind.TURNSTILE, "server"),
    Place("south", EMEISHAN, GateKind.HANDHELD, "server"),
    Place("east", XIANNVSHAN, GateKind.TURNSTILE, "hub"),
    Place("west", XIANNVSHAN, GateKind.HANDHELD, "hub"),
)
PLAIN = Place("plain", XIANNVSHAN, GateKind.HANDHELD, "server")
HUB = Place("hub", XIANNVSHAN, GateKind.HANDHELD, "server")
GATES = ("north", "south", "east", "west", "hub")
LINES = (*GATES, "plain", "database")


@dataclass
class Seen:
    """What gates showed."""

    lights: list[Scanned] = field(default_factory=list)
    interrupted: list[tuple[str, str]] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    """How many of each kind: `admitted online`, `refused alone`, `NOT KEPT` …"""


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
        nonce = f"{chance.getrandbits(64):016x}"
        body = {"code": text, "nonce": nonce, "scanned_at": now().isoformat()}
        answer = await self._answer(api, body)
        self._seen.answers[f"{answer['verdict']}, plain"] += 1
        if answer["verdict"] == "admitted":
            self._seen.lights.append(Scanned(self._id, nonce, pass_id))

    async def _answer(self, api: Api, body: Any) -> Any:
        while True:
            with suppress(OSError):
                answer = await api.post(SCANS, body, self._token)
                if answer.status == 200:
                    return answer.json
                assert answer.status == 503, answer.body
            await asyncio.sleep(PAUSE)


class ProgramGate:
    """The gate program at one place, and whoever shows passes there, one after the other."""

    def __init__(self, gate_id: str, kind: GateKind, seen: Seen) -> None:
        """`program` is to be set."""
        self._id = gate_id
        self._kind = kind
        self._seen = seen
        self._shown: str | None = None
        """The pass that is shown and has no answer yet."""
        self._answered = asyncio.Event()
        self.program: Program

    def said(self, line: str) -> None:
        """A line of its output: JSON, but for what goes to the log."""
        with suppress(ValueError):
            document = json.loads(line)
            if document["event"] == "scan" and self._shown is not None:
                self._hear(document, self._shown)

    def _hear(self, document: Mapping[str, Any], pass_id: str) -> None:
        if document["verdict"] == "none":
            self._seen.answers[document["what"]] += 1
        else:
            where = "online" if document["online"] else "alone"
            self._seen.answers[f"{document['verdict']}, {where}"] += 1
        if document["verdict"] == "admitted":
            self._seen.lights.append(Scanned(self._id, document["nonce"], pass_id))
        self._shown = None
        self._answered.set()

    def ended(self) -> None:
        """It has died. What it was about to say nobody knows."""
        if self._shown is not None:
            self._seen.interrupted.append((self._id, self._shown))
        self._shown = None
        self._answered.set()

    async def scan_on(self, visitors: Visitors, chance: random.Random, over: asyncio.Event) -> None:
        """Show passes until it is over, and each of them is answered."""
        while not over.is_set():
            await asyncio.sleep(chance.uniform(0, PAUSE))
            if self.program.pid is None:
                continue
            self._answered.clear()
            self._shown, text = visitors.show(self._kind, chance)
            self.program.type(text)
            await happens(self._answered, "the gate answers")


class Site:
    """All programs and lines of a trial."""

    def __init__(self, data: Path, lines: Mapping[str, Line]) -> None:
        """`data` is the folder of a database whose first start is over; `lines` are `LINES`."""
        self.lines = lines
        self.clocks = {name: data / f"{name}.clock" for name in GATES}
        """Files that say by how many seconds the clocks of gates are wrong."""
        self._data = data
        self._password = (data / "mongodb" / "password").read_text("utf-8")
        self.programs = {
            "database": self._program("database", _database(data), self._leads("database")),
            "server": self._program(
                "server",
                ["run.py", "--port", "0", "--data-dir", str(data)],
                self._leads("north", "south", "plain", "hub"),
                BASHU_MONGO_URI=self._uri,
            ),
        }

    def add_gate(self, gate: ProgramGate, name: str, setup_code: str) -> None:
        """A gate program at a place, which enrols by this code."""
        gate.program = self._program(
            name,
            self._gate_command(name, setup_code),
            gate.said,
            gate.ended,
            GATE_CLOCK=str(self.clocks[name]),
        )
        self.programs[name] = gate.program

    def add_hub(self, setup_code: str) -> None:
        """The hub, which enrols by this code."""
        command = [*self._gate_command("hub", setup_code), "--hub", "127.0.0.1:0"]
        leads = self._leads("east", "west")
        clock = str(self.clocks["hub"])
        self.programs["hub"] = self._program("hub", command, leads, GATE_CLOCK=clock)

    def _gate_command(self, name: str, setup_code: str) -> list[str]:
        self.clocks[name].write_text("0")
        journal = str(self._data / f"{name}.journal")
        server = ("--server", self.lines[name].base)
        return [
            *("-m", "tests.support.skewed_gate", *server, "--setup-code", setup_code),
            *("--journal", journal, "--json"),
        ]

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
        """All programs run, and are started again when they die, until this is left."""
        running = [asyncio.create_task(each.keep_running()) for each in self.programs.values()]
        try:
            yield
        finally:
            for program in self.programs.values():
                program.leave()
            await asyncio.gather(*running)

    @asynccontextmanager
    async def joined(self) -> AsyncIterator[System]:
        """The system over the database of the site."""
        settings = load_settings(data_dir=self._data)
        async with Mongo(self._uri, settings.mongo_database, "pymongo") as mongo:
            yield await open_system(settings, mongo, now(), serves=False)

    async def until_it_serves(self) -> None:
        """Wait until the server is ready."""

        async def is_ready() -> bool:
            with closing(Api(self.lines["plain"].port)) as api:
                try:
                    return (await api.get("/readyz")).status == 200
                except OSError:
                    return False

        await until(is_ready, "the server is ready")

    async def suffer(self, trouble: Trouble) -> None:
        """Let a trouble come at its time, and go."""
        await asyncio.sleep(trouble.at)
        name = trouble.whom
        if trouble.kind is Kind.KILL:
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

    def heal(self) -> None:
        """Everything is well again, but clocks that are wrong stay so."""
        for line in self.lines.values():
            line.heal()
        for program in self.programs.values():
            program.empty_disk()


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
    """The embedded database, as `server.embedded` starts it."""
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
