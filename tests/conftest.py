"""Fixtures.

mongo_uri     session   the embedded database of the whole run, started as the server starts it
mongo         test      an empty database of its own, through Motor
any_mongo     test      the same, once through each driver
clock         test      the time, which a test may move
system        test      a composed system over `mongo`: test keys, a few real spots, the product `annual`
app           test      the application over `system`
api           test      a client that speaks JSON to it over a real socket
world         test      a system with gates at 峨眉山 and 仙女山 and a way to issue passes
"""

import asyncio
import itertools
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import pytest
from hypothesis import settings
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from tornado.web import Application

from handlers.services import Services
from passes.identity import Identity
from passes.issuing import live_text, static_text
from passes.model import Gate, GateKind, Pass
from passes.store.indexes import ensure_indexes
from passes.visitors import Visitor
from scenic_data.checking import load_spots
from server.app import make_application, make_server, make_services
from server.embedded import embedded_database
from server.keyfile import Keys
from server.mongo import Mongo
from server.refresh import Refresh
from server.sandbox import sandbox
from server.settings import DriverName, Settings
from server.system import System, compose
from tests import build

settings.register_profile("bashu", deadline=None, max_examples=100)
settings.load_profile("bashu")

_names = (f"t{n}" for n in itertools.count())


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    running = embedded_database(tmp_path_factory.mktemp("embedded"))
    yield asyncio.run_coroutine_threadsafe(running.__aenter__(), loop).result()
    asyncio.run_coroutine_threadsafe(running.__aexit__(None, None, None), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def connected(io_loop: IOLoop, uri: str, driver: DriverName) -> Iterator[Mongo]:
    async def connect() -> Mongo:
        made = Mongo(uri, next(_names), driver)
        await ensure_indexes(made)
        return made

    made = cast(Mongo, io_loop.run_sync(connect))
    yield made
    io_loop.run_sync(made.close)


@pytest.fixture
def mongo(io_loop: IOLoop, mongo_uri: str) -> Iterator[Mongo]:
    yield from connected(io_loop, mongo_uri, "motor")


@pytest.fixture(params=["motor", "pymongo"])
def any_mongo(io_loop: IOLoop, mongo_uri: str, request: pytest.FixtureRequest) -> Iterator[Mongo]:
    yield from connected(io_loop, mongo_uri, request.param)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = build.NOW

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


def keys() -> Keys:
    return Keys(build.KEYS, build.SEALER, build.VAULT, {1: bytes(32)}, "test")


SETTINGS = Settings(_env_file=None, trusted_proxies=())  # type: ignore[call-arg] # a test's caller is no proxy

SOME_SPOTS = [spot for spot in load_spots() if spot.level == "5A"]


async def composed(mongo: Mongo) -> System:
    """A system over a database, with the 5A spots and one product."""
    system = compose(mongo, keys(), SETTINGS.privacy_version)
    await system.catalogue.replace(SOME_SPOTS)
    await system.catalogue.load()
    await system.publishing.publish([build.product()], "operator:test", build.NOW)
    await system.products.load()
    return system


@pytest.fixture
def system(io_loop: IOLoop, mongo: Mongo) -> System:
    return cast(System, io_loop.run_sync(lambda: composed(mongo)))


@pytest.fixture
def sandbox_url(io_loop: IOLoop) -> Iterator[str]:
    running = sandbox()
    yield cast(str, io_loop.run_sync(running.__aenter__))
    io_loop.run_sync(lambda: running.__aexit__(None, None, None))


@pytest.fixture
def refresh(system: System, clock: Clock) -> Refresh:
    return Refresh(system, clock)


@pytest.fixture
def services(system: System, mongo: Mongo, clock: Clock, sandbox_url: str, refresh: Refresh) -> Services:
    reached = SETTINGS.model_copy(update={"wechat_url": sandbox_url})
    return make_services(system, reached, refresh, clock, mongo.ping)


@pytest.fixture
def app(services: Services) -> Application:
    return make_application(services)


@pytest.fixture
def http_server(io_loop: IOLoop, app: Application) -> Iterator[HTTPServer]:
    """Instead of that of pytest-tornasync: the server as `run.py` makes it, on a free loopback port."""
    server = make_server(app)
    server.add_sockets(bind_sockets(0, "127.0.0.1"))
    yield server
    server.stop()
    io_loop.run_sync(server.close_all_connections)


@dataclass(frozen=True)
class Answer:
    """A reply: status, headers, bytes and, if it is JSON, the document."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Api:
    """Speaks to a server over HTTP."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self._client = AsyncHTTPClient(force_instance=True, defaults={"request_timeout": 30})

    async def get(self, path: str, token: str | None = None, **headers: str) -> Answer:
        return await self.send("GET", path, None, token, headers)

    async def post(self, path: str, body: Any = None, token: str | None = None, **headers: str) -> Answer:
        raw = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        return await self.send("POST", path, raw, token, headers)

    async def send(
        self, method: str, path: str, body: bytes | None, token: str | None, headers: Mapping[str, str]
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        request = HTTPRequest(
            self.base + path,
            method,
            headers=sent,
            body=body,
            allow_nonstandard_methods=True,
            follow_redirects=False,
            decompress_response=False,
        )
        try:
            response: HTTPResponse = await self._client.fetch(request, raise_error=False)
        except HTTPClientError as error:
            raise ConnectionError(str(error)) from None
        if response.code == 599:
            raise ConnectionError(str(response.error))
        return Answer(response.code, response.headers, response.body or b"")

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def api(http_server: HTTPServer) -> Iterator[Api]:
    port = next(iter(http_server._sockets.values())).getsockname()[1]
    with closing(Api(port)) as client:
        yield client


class World:
    """A system with two gates in two provinces, and passes as they are needed."""

    def __init__(self, mongo: Mongo, system: System, services: Services, clock: Clock) -> None:
        self.mongo = mongo
        self.system = system
        self.services = services
        self.clock = clock
        self._people = itertools.count()

    async def gate(self, spot_id: str = build.EMEISHAN, kind: GateKind = GateKind.TURNSTILE) -> tuple[Gate, str]:
        """An enrolled gate and its token."""
        new = await self.system.gate_keeping.add(spot_id, kind, "", "operator:test", self.clock())
        gate = await self.system.gate_keeping.enrol(new.setup_code, self.clock())
        await self.system.gates.load()
        return gate, self.services.tokens.for_gate(gate, self.clock())

    async def issue(self, product_id: str = "annual", person: Identity | None = None) -> Pass:
        """A pass, of another person each time."""
        product = self.system.products.get(product_id)
        assert product is not None
        holder = build.SEALER.seal(person or build.person(next(self._people)))
        return await self.system.issuing.issue(product, holder, build.TODAY, "operator:test", self.clock())

    async def visitor(self, name: str = "甲") -> tuple[Visitor, str]:
        """A visitor who is signed in, and their token."""
        visitor = await self.system.accounts.of_openid(name, self.clock())
        session = await self.system.signing_in.begin(visitor, self.clock())
        return visitor, self.services.tokens.for_session(session, visitor, self.clock()).access

    async def publish(self, **terms: Any) -> None:
        """Publish the product `other` with these terms."""
        await self.system.publishing.publish([build.product("other", **terms)], "operator:test", self.clock())
        await self.system.products.load()

    def live(self, held: Pass) -> str:
        return live_text(held, build.KEYS, self.clock())

    def printed(self, held: Pass) -> str:
        return static_text(held, build.KEYS)

    def scan_body(self, held: Pass, nonce: str, text: str | None = None, **more: Any) -> dict[str, Any]:
        code = self.live(held) if text is None else text
        return {"code": code, "nonce": nonce, "scanned_at": self.clock().isoformat(), **more}


@pytest.fixture
def world(mongo: Mongo, system: System, services: Services, clock: Clock) -> World:
    return World(mongo, system, services, clock)
