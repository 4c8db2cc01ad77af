"""The data directory: whose it is, and which engine has written its database."""

from pathlib import Path

import pytest

from server.datadir import mark_engine
from server.errors import StartError


def test_a_database_is_marked_once_and_refused_to_another_engine(tmp_path: Path) -> None:
    mark_engine(tmp_path, "secantusd-rs")
    mark_engine(tmp_path, "secantusd-rs")
    assert (tmp_path / "mongodb.engine").read_text("utf-8") == "secantusd-rs\n"
    with pytest.raises(StartError, match="written by another engine, secantusd-rs"):
        mark_engine(tmp_path, "secantusd-py")


def test_a_database_from_before_there_were_marks_is_that_of_the_engine_of_then(
    tmp_path: Path,
) -> None:
    (tmp_path / "mongodb").mkdir()
    with pytest.raises(StartError, match="written by another engine, secantusd-py"):
        mark_engine(tmp_path, "secantusd-rs")
    mark_engine(tmp_path, "secantusd-py")
    assert (tmp_path / "mongodb.engine").read_text("utf-8") == "secantusd-py\n"
