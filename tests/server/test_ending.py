"""Ending: a process without its database ends, even one that hangs."""

import asyncio
import time

import pytest

from server.clock import now
from server.ending import CEILING_SECONDS, Ending
from server.errors import StartError
from server.mongo import Mongo
from server.refresh import Refresh
from server.settings import DriverName
from server.system import System
from tests.support.interleaving import ALWAYS, overtake
from tests.support.processes import finished
from tests.support.waiting import until
from tests.support.world import SETTINGS, keys

pytestmark = pytest.mark.slow

HANGS = """
import asyncio, time
from server.ending import Ending

async def main():
    ending = Ending()
    ending.database_gone("the database of this test is gone")
    {hang}

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "hang",
    [
        "time.sleep(60)",
        "await asyncio.to_thread(time.sleep, 60)",
        "asyncio.get_running_loop().run_in_executor(None, time.sleep, 60)",
    ],
)
def test_a_process_that_hangs_without_its_database_is_ended(hang: str) -> None:
    start = time.monotonic()
    done = finished(["-c", HANGS.format(hang=hang)], {})
    took = time.monotonic() - start
    assert done.status == 1
    assert took > CEILING_SECONDS
    assert took < CEILING_SECONDS + 2
    assert done.err.splitlines()[-1].startswith("stopped: the database of this test is gone; ")


@pytest.mark.parametrize("driver", ["pymongo", "motor"])
async def test_the_refresh_ends_though_a_driver_swallows_cancellations(
    driver: DriverName, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled in PyMongo's server selection, two of three loops went on for ever."""
    away = Mongo("mongodb://127.0.0.1:1/", "nowhere", driver)
    system = System(away, keys(), SETTINGS.privacy_version)
    stopping = asyncio.Event()
    asked: list[None] = []

    async def asks() -> None:
        asked.append(None)

    overtake(monkeypatch, system.base.versions, "all", asks, ALWAYS)
    loops = [asyncio.create_task(Refresh(system, now).forever(0.01, stopping)) for _ in range(30)]
    await until(lambda: len(asked) >= len(loops), "each loop waits for the database")
    stopping.set()
    away.give_up()
    done, running = await asyncio.wait(loops, timeout=5)
    assert len(done) == 30
    assert len(running) == 0
    await away.close()


async def test_work_is_cut_short_and_its_errors_are_passed_on() -> None:
    ending = Ending()
    with pytest.raises(StartError):
        await ending.cuts_short(_fails())
    asyncio.get_running_loop().call_soon(ending.ask)
    await asyncio.wait_for(ending.cuts_short(asyncio.sleep(60)), 5)


async def _fails() -> None:
    raise StartError("it cannot start")
