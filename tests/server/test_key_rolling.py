"""Signing keys roll: made, announced, in use, retired, and no honest pass is refused meanwhile."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tornado.ioloop import IOLoop

from passes.admission.heartbeats import BundleHeld, Heartbeat
from passes.base.errors import Conflict, Unknown
from passes.codes.format import read
from passes.holding.shown_code import static_text
from server.errors import StartError
from server.key_rolling import KeyRolling
from server.mongo import Mongo
from server.refresh import Refresh
from server.system import System, open_system
from tests.support import build
from tests.support.build import NOW, OPERATOR, TODAY
from tests.support.world import SETTINGS, Clock

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class Running:
    """A server as far as keys go: a system, and what keeps it up to date."""

    def __init__(self, system: System, clock: Clock) -> None:
        self.system = system
        self.refresh = Refresh(system, clock)

    @property
    def signer(self) -> int:
        return self.system.keys.codes.newest().id


class Keyroom:
    """Two servers over one database and one key file, and the commands beside them."""

    def __init__(self, mongo: Mongo, data_dir: Path, clock: Clock) -> None:
        self.mongo = mongo
        self.clock = clock
        self.settings = SETTINGS.model_copy(update={"data_dir": data_dir, "examples": False})

    async def opened(self) -> System:
        return await open_system(self.settings, self.mongo, self.clock(), serves=False)

    async def server(self) -> Running:
        running = Running(await self.opened(), self.clock)
        await running.refresh.round()
        return running

    async def rolling(self) -> KeyRolling:
        return KeyRolling(await self.opened(), self.settings.key_file, OPERATOR, self.clock)


@pytest.fixture
def room(io_loop: IOLoop, mongo: Mongo, tmp_path: Path, clock: Clock) -> Keyroom:
    return Keyroom(mongo, tmp_path, clock)


async def announced(room: Keyroom, *servers: Running) -> KeyRolling:
    """Key 2 is made, and all servers know it."""
    rolling = await room.rolling()
    await rolling.make()
    for server in servers:
        await server.refresh.round()
    assert not (await rolling.announce(0)).unknown_to
    return rolling


async def test_a_key_rolls_and_every_server_reads_what_every_other_signs(room: Keyroom) -> None:
    one, two = await room.server(), await room.server()
    held = build.held()
    old = static_text(held, one.system.keys.codes)
    rolling = await announced(room, one, two)
    assert (one.signer, two.signer) == (1, 1), "a key that is announced signs nothing"
    room.clock.time += MINUTE
    await rolling.sign_with(2)
    await one.refresh.round()
    assert (one.signer, two.signer) == (2, 1)
    new = static_text(held, one.system.keys.codes)
    for server in (one, two):
        for text, key_id in ((old, 1), (new, 2)):
            assert read(text, server.system.keys.codes, room.clock()).key_id == key_id
    await two.refresh.round()
    assert two.signer == 2
    again = await rolling.sign_with(2)
    assert again.signs_since == room.clock()
    room.clock.time += MINUTE
    await rolling.sign_with(1)
    await one.refresh.round()
    assert one.signer == 1, "and back again"


async def test_a_server_that_starts_meanwhile_signs_as_the_others(room: Keyroom) -> None:
    one = await room.server()
    await (await room.rolling()).make()
    assert (await room.server()).signer == one.signer == 1


async def test_a_server_that_has_not_learnt_the_key_keeps_it_from_signing(room: Keyroom) -> None:
    one, _behind = await room.server(), await room.server()
    rolling = await room.rolling()
    made = await rolling.make()
    await one.refresh.round()
    heard = await rolling.announce(0)
    assert [len(heard.known_by), len(heard.unknown_to)] == [1, 1]
    with pytest.raises(Conflict) as refused:
        await rolling.sign_with(made.id)
    assert [fault.what for fault in refused.value.faults] == [
        "this server does not know the key: keys announce",
        "it is not announced: keys announce",
    ]
    room.clock.time += MINUTE  # the one behind was killed
    await one.refresh.round()
    assert not (await rolling.announce(0)).unknown_to
    await rolling.sign_with(made.id)


async def test_a_server_that_ends_is_not_waited_for(room: Keyroom) -> None:
    one = await room.server()
    await one.refresh.end()
    assert await one.system.signing.processes.all() == []


async def test_a_gate_whose_bundle_is_older_keeps_the_key_from_signing(room: Keyroom) -> None:
    rolling = await announced(room, await room.server())
    heartbeats = (await room.opened()).admission.heartbeats
    old, fresh = (BundleHeld(0, n, NOW + n * MINUTE) for n in (-1, 1))
    await heartbeats.put(Heartbeat("behind", NOW, bundle=old))
    await heartbeats.put(Heartbeat("online-only", NOW))
    await heartbeats.put(Heartbeat("silent", NOW - DAY, bundle=old))
    await heartbeats.put(Heartbeat("fresh", NOW, bundle=fresh))
    with pytest.raises(Conflict) as refused:
        await rolling.sign_with(2)
    assert [fault.where for fault in refused.value.faults] == ["behind"]
    signs = await rolling.sign_with(2, yes=True)
    assert await rolling.silent_gates(signs) == ["silent"]


async def test_a_key_is_retired_once_nothing_good_is_signed_by_it(room: Keyroom) -> None:
    one = await room.server()
    passes = await room.opened()
    held = build.held()
    await passes.terms.stored.put(held.edition)
    await passes.terms.editions.load()
    await passes.holding.passes.add(held)
    await passes.holding.passes.add(replace(held, id="00000000000000a2", issued_at=NOW + DAY))
    text = static_text(held, one.system.keys.codes)
    rolling = await announced(room, one)
    with pytest.raises(Conflict, match="let another one sign first"):
        await rolling.retire(1, TODAY)
    room.clock.time += MINUTE
    await rolling.sign_with(2)
    with pytest.raises(Conflict, match=f"^1 passes .* until {held.valid.end}"):
        await rolling.retire(1, held.valid.end - DAY)
    await rolling.retire(1, held.valid.end)
    last_day = TODAY + 7 * DAY
    await rolling.retire(1, last_day, yes=True)
    await one.refresh.round()
    verifier = one.system.keys.codes.verifier(1)
    assert verifier is not None
    assert verifier.last_day == last_day
    assert read(text, one.system.keys.codes, room.clock()).key_id == 1
    with pytest.raises(Conflict, match="retired"):
        await rolling.sign_with(1)


async def test_what_is_not_there_is_refused(room: Keyroom) -> None:
    rolling = await room.rolling()
    with pytest.raises(Unknown, match="no key '9'"):
        await rolling.sign_with(9)
    with pytest.raises(Conflict, match="make one first"):
        await rolling.announce(0)


async def test_a_server_whose_key_file_lacks_an_announced_key_does_not_start(
    room: Keyroom,
) -> None:
    before = room.settings.data_dir / "keys.json"
    one = await room.server()
    content = before.read_bytes()
    await announced(room, one)
    before.write_bytes(content)
    with pytest.raises(StartError, match="no signing key 2"):
        await room.opened()
