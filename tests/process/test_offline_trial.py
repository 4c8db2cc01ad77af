"""Everything fails around gates, again and again: afterwards nothing is lost, doubled or hidden.

Programs are killed, lines are cut, clocks jump, disks fill, uploads come twice and out of order,
as `tests/support/troubles.py` says; then all is healed, and the whole history has to be right
(`tests/support/history.py`). docs/reliability.md has figures.

`--trial-seconds` says for how long; all troubles follow from `--trial-seed`.
"""

import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from passes.admission.offline.conflict import ConflictState
from passes.store.conflicts import ConflictStore
from server.system import System
from tests.support.history import History, Scanned, faults_of
from tests.support.line import line_to
from tests.support.site import (
    GATES,
    LINES,
    PlainGate,
    ProgramGate,
    Seen,
    Site,
    Visitors,
    some_passes,
)
from tests.support.trials import Outage
from tests.support.troubles import Kind, troubles

PASSES = 40
VICTIMS: dict[Kind, tuple[str, ...]] = {
    Kind.KILL: ("database", "server", *GATES, "server"),
    Kind.CUT: LINES,
    Kind.SILENCE: LINES,
    Kind.DEAFEN: LINES,
    Kind.SLOW: LINES,
    Kind.SKEW: GATES,
    Kind.FILL: GATES,
    Kind.ECHO: ("all",),
}


@pytest.mark.slow
@pytest.mark.timeout(seconds=1500)
async def test_nothing_is_lost_doubled_or_hidden(
    data: Path, tmp_path: Path, outage: Outage
) -> None:
    print(f"--trial-seed {outage.seed}")
    seen = Seen()
    async with AsyncExitStack() as stack:
        lines = {name: await stack.enter_async_context(line_to(0)) for name in LINES}
        site = Site(data, lines)
        async with site.running():
            await site.until_it_serves()
            async with site.joined() as system:
                passes = await some_passes(system, tmp_path, PASSES)
                gates = await site.add_gates(system, seen)
                visitors = Visitors(system, passes)
                await site.learn_tokens(system)
            await suffer(site, gates, visitors, seen, outage)
            faults = await site.until_all_is_uploaded()
            await site.until_it_serves()
            async with site.joined() as system:
                history = await whole_history(system, seen, visitors)
    print(told(history, seen, site))
    assert faults + faults_of(history) == []


async def suffer(
    site: Site,
    gates: Sequence[PlainGate | ProgramGate],
    visitors: Visitors,
    seen: Seen,
    outage: Outage,
) -> None:
    """Visitors come while all troubles come and go; then all is healed."""
    over = asyncio.Event()
    scanning = [
        asyncio.create_task(gate.scan_on(visitors, random.Random(f"{outage.seed} {n}"), over))
        for n, gate in enumerate(gates)
    ]
    script = troubles(outage.seed, outage.seconds, VICTIMS)
    await asyncio.gather(*(site.suffer(each, seen) for each in script))
    await site.until_it_serves()
    over.set()
    await asyncio.gather(*scanning)


async def whole_history(system: System, seen: Seen, visitors: Visitors) -> History:
    """What is stored, beside what was shown."""
    conflicts = await ConflictStore(system.database).all(open_only=False)
    return History(
        lights=[each.scan for each in seen.lights],
        interrupted=seen.interrupted,
        annulled=seen.annulled,
        doubtful=seen.doubtful,
        ledgers={held: await system.ledger.records.whole(held) for held in visitors.limits},
        conflicts=[
            Scanned(each.gate_id, each.nonce, each.pass_id or "")
            for each in conflicts
            if each.state is not ConflictState.LAPSED
        ],
        limits=visitors.limits,
    )


def told(history: History, seen: Seen, site: Site) -> str:
    """The figures of docs/reliability.md."""
    records = sum(map(len, history.ledgers.values()))
    starts = {name: program.starts for name, program in site.programs.items()}
    return (
        f"{len(history.lights)} green lights, {records} records, "
        f"{len(history.conflicts)} conflicts, {len(history.interrupted)} scans cut short, "
        f"started {starts}, {dict(seen.answers)}"
    )
