"""Fixtures.

mongo_uri     session   the embedded database of the whole run, started as the server starts it;
                        or the MongoDB that BASHU_TEST_MONGO_URI names
rounds        session   how often a trial is repeated: few times, or many by `--long`
kills         session   the rounds of the kill test: `--kills`, `--kill-seed`
outage        session   the offline trial: `--trial-seconds`, `--trial-seed`
mongo         test      an empty database of its own, through the driver of `--driver`
any_mongo     test      the same, once through each driver
rooms         test      the rooms of the domain over `mongo`, with ways to fill them
clock         test      the time, which a test may move
system        test      a composed system over `mongo`: test keys, some real spots, `annual` on sale
sandbox_url   test      the address of a sandbox that speaks as WeChat does, and vouches for
                        carriers
refresh       test      what brings changes of other processes into the memory of `system`
services      test      what the handlers use of `system`
app           test      the application over `services`
http_server   test      the application on a free loopback port, served as `run.py` serves it
api           test      a client that speaks JSON to `http_server` over a real socket
world         test      a system with gates at 峨眉山 and 仙女山 and a way to issue passes

Those of whole processes are in `tests/process/conftest.py`.

Marked by themselves: `database`, every test that needs one, which `.ci/second_engine` runs over
another; `quick`, every test that needs neither a database nor a process, and is not marked `slow`
by hand.
"""

import itertools
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest
from hypothesis import settings
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from tornado.web import Application

from handlers.services import Services
from passes.store.indexes import ensure_indexes
from server import embedded
from server.app import make_application, make_server, make_services
from server.carriers import HttpCarriers
from server.embedded import embedded_database
from server.mongo import Mongo
from server.probe import Probe
from server.refresh import Refresh
from server.sandbox import sandbox
from server.settings import DriverName
from server.system import System
from tests.support.api import Api
from tests.support.beside import running_beside
from tests.support.engine import without_sweeper
from tests.support.rooms import RoomsUnderTest
from tests.support.trials import Kills, Outage, Rounds
from tests.support.world import SETTINGS, Clock, World, composed

settings.register_profile("bashu", deadline=None, max_examples=100)
settings.load_profile("bashu")

PROCESS_TESTS = Path(__file__).parent / "process"

_names = (f"t{os.getpid()}_{n}" for n in itertools.count())
"""Databases that no other process of this run uses: all share one MongoDB, if one is given."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--driver",
        choices=["pymongo", "motor"],
        default="pymongo",
        help="the driver of tests that are not about drivers",
    )
    parser.addoption("--long", action="store_true", help="run longer trials: many more rounds")
    parser.addoption("--kills", type=int, help="rounds of the kill test: 6, or 100 with --long")
    parser.addoption("--kill-seed", type=int, default=0, help="the first round of the kill test")
    parser.addoption("--trial-seconds", type=int, help="of the offline trial: 12, 600 with --long")
    parser.addoption("--trial-seed", type=int, default=0, help="what its troubles follow from")


def pytest_xdist_auto_num_workers() -> int:
    """Two workers for each core: many tests wait for a process to start or to end."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as `database` what uses one, also through other fixtures, and as `quick` what uses
    neither that nor a process, unless it says that it is `slow`.

    What starts processes comes first, and of that what may take longest: so no worker waits at the
    end for the long test of another.
    """
    items.sort(key=_may_take, reverse=True)
    for item in items:
        uses_database = "mongo_uri" in getattr(item, "fixturenames", ())
        uses_process = item.path.is_relative_to(PROCESS_TESTS)
        if uses_database:
            item.add_marker(pytest.mark.database)
        elif not uses_process and item.get_closest_marker("slow") is None:
            item.add_marker(pytest.mark.quick)


def _may_take(item: pytest.Item) -> float:
    """Seconds, roughly; only the order counts."""
    timeout = item.get_closest_marker("timeout")
    if timeout is not None:
        return float(timeout.kwargs["seconds"])
    return float(item.path.is_relative_to(PROCESS_TESTS))


@pytest.fixture(scope="session")
def rounds(pytestconfig: pytest.Config) -> Rounds:
    return Rounds(long=pytestconfig.getoption("--long"))


@pytest.fixture(scope="session")
def kills(pytestconfig: pytest.Config, rounds: Rounds) -> Kills:
    many = pytestconfig.getoption("--kills") or len(rounds(6, many=100))
    return Kills(many, pytestconfig.getoption("--kill-seed"))


@pytest.fixture(scope="session")
def outage(pytestconfig: pytest.Config) -> Outage:
    long = pytestconfig.getoption("--long")
    seconds = pytestconfig.getoption("--trial-seconds") or (600 if long else 12)
    return Outage(pytestconfig.getoption("--trial-seed"), seconds)


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    given = os.environ.get("BASHU_TEST_MONGO_URI")
    if given:
        yield given
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded, "_command", without_sweeper(embedded._command))
        with running_beside(embedded_database(tmp_path_factory.mktemp("embedded"))) as uri:
            yield uri


def connected(io_loop: IOLoop, uri: str, driver: DriverName) -> Iterator[Mongo]:
    async def connect() -> Mongo:
        made = Mongo(uri, next(_names), driver)
        await ensure_indexes(made)
        return made

    made = cast(Mongo, io_loop.run_sync(connect))
    yield made
    if "BASHU_TEST_MONGO_URI" in os.environ:
        io_loop.run_sync(made.drop)
    io_loop.run_sync(made.close)


@pytest.fixture
def mongo(io_loop: IOLoop, mongo_uri: str, pytestconfig: pytest.Config) -> Iterator[Mongo]:
    yield from connected(io_loop, mongo_uri, pytestconfig.getoption("--driver"))


@pytest.fixture(params=["motor", "pymongo"])
def any_mongo(io_loop: IOLoop, mongo_uri: str, request: pytest.FixtureRequest) -> Iterator[Mongo]:
    yield from connected(io_loop, mongo_uri, request.param)


@pytest.fixture
def rooms(mongo: Mongo) -> RoomsUnderTest:
    return RoomsUnderTest(mongo)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def system(io_loop: IOLoop, mongo: Mongo, sandbox_url: str) -> System:
    async def made() -> System:
        return await composed(mongo, HttpCarriers(sandbox_url))

    return cast(System, io_loop.run_sync(made))


@pytest.fixture
def sandbox_url(io_loop: IOLoop) -> Iterator[str]:
    running = sandbox()
    yield cast(str, io_loop.run_sync(running.__aenter__))
    io_loop.run_sync(lambda: running.__aexit__(None, None, None))


@pytest.fixture
def refresh(system: System, clock: Clock) -> Refresh:
    return Refresh(system, clock)


@pytest.fixture
def services(
    system: System, mongo: Mongo, clock: Clock, sandbox_url: str, refresh: Refresh
) -> Services:
    reached = SETTINGS.model_copy(update={"wechat_url": sandbox_url})
    return make_services(system, reached, refresh, clock, Probe(mongo).check)


@pytest.fixture
def app(services: Services) -> Application:
    return make_application(services)


@pytest.fixture
def http_server(io_loop: IOLoop, app: Application) -> Iterator[HTTPServer]:
    """Instead of that of pytest-tornasync, which serves as `run.py` does not."""
    server = make_server(app, SETTINGS)
    server.add_sockets(bind_sockets(0, "127.0.0.1"))
    yield server
    server.stop()
    io_loop.run_sync(server.close_all_connections)


@pytest.fixture
def api(http_server: HTTPServer) -> Iterator[Api]:
    port = next(iter(http_server._sockets.values())).getsockname()[1]
    with closing(Api(port)) as client:
        yield client


@pytest.fixture
def world(mongo: Mongo, system: System, services: Services, clock: Clock) -> World:
    return World(mongo, system, services, clock)
