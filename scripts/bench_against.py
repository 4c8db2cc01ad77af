"""Two checkouts beside each other: is a scan as fast as it was?

    python -m scripts.bench --against FOLDER [--seconds 1.5] [--rounds 5] [--json]

In each round each checkout runs its own bench, with its own server and database, one after the
other; every second round begins with the other one. So both meet the same machine, and a ratio
compares what was measured within a minute. Both need what they import from one environment.
"""

import asyncio
import json
import statistics
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent.parent
_LEAST = 0.01
"""What a bench tells as 0 may be as much: a bare request costs the database nothing."""

Row = dict[str, Any]


async def ratios(before: Path, seconds: float, rounds: int) -> list[Row]:
    """For each kind of request, what this checkout gets done beside the one `before`: requests a
    second in each round and their median, processor time of the server and of the database.

    Raises `RuntimeError` if one of the benches fails.
    """
    measured: dict[Path, list[dict[str, Row]]] = {HERE: [], before: []}
    for number in range(rounds):
        in_turn = (before, HERE)
        if number % 2 == 1:
            in_turn = (HERE, before)
        for checkout in in_turn:
            measured[checkout].append(await _bench(checkout, seconds))
    now, then = measured[HERE], measured[before]
    in_both = [name for name in now[0] if name in then[0]]
    return [
        _compared(name, [each[name] for each in now], [each[name] for each in then])
        for name in in_both
    ]


async def _bench(checkout: Path, seconds: float) -> dict[str, Row]:
    """What the bench of a checkout measures in one round, by kind of request."""
    flags = ("--http-only", "--json", "--rounds", "1", "--seconds", str(seconds))
    bench = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "scripts.bench", *flags),
        cwd=checkout,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await bench.communicate()
    if bench.returncode != 0:
        raise RuntimeError(f"the bench of {checkout} ended with status {bench.returncode}")
    (rows,) = json.loads(printed)
    return {row["request"]: row for row in rows}


def _compared(name: str, now: list[Row], then: list[Row]) -> Row:
    def in_rounds(measure: str) -> list[float]:
        return [
            (ours[measure] or _LEAST) / (theirs[measure] or _LEAST)
            for ours, theirs in zip(now, then, strict=True)
        ]

    rates = in_rounds("per second")
    return {
        "request": name,
        "rounds": " ".join(f"{rate:.2f}" for rate in rates),
        "per second": round(statistics.median(rates), 2),
        "server CPU": round(statistics.median(in_rounds("server CPU ms")), 2),
        "engine CPU": round(statistics.median(in_rounds("engine CPU ms")), 2),
    }
