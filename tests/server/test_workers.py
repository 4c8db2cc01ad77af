"""Workers: how they end tells their parent whether to start them again and again."""

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from passes.store.indexes import INDEXES
from server.keyfile import make_keys
from server.mongo import Mongo
from tests.support.processes import PROJECT, SECONDS, environment


async def test_a_worker_does_not_wait_for_a_damaged_database_to_heal(
    mongo_uri: str, tmp_path: Path
) -> None:
    """It ended as if the database were away, so that its parent started it anew for ever."""
    database = f"damaged_{os.getpid()}"
    index = INDEXES["passes"][0]
    async with Mongo(mongo_uri, database, "pymongo") as mongo:
        await mongo.collection("passes").ensure(replace(index, keys=(("another", 1),)))
    make_keys(tmp_path / "keys.json")
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "server.workers", "other"],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=SECONDS,
        check=False,
        env=environment(
            BASHU_MONGO_URI=mongo_uri,
            BASHU_MONGO_DATABASE=database,
            BASHU_DATA_DIR=str(tmp_path),
        ),
    )
    assert "this worker cannot start: the database cannot do its work" in ended.stderr
    assert ended.returncode == 1
