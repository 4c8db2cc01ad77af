"""The data directory: whose it is, and which engine has written its database."""

from pathlib import Path

import pytest

from server.datadir import make_data_dir, mark_engine
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


def test_a_directory_with_anything_else_in_it_is_refused_not_closed(tmp_path: Path) -> None:
    """It may be somebody's home, or shared."""
    letters = tmp_path / "letters"
    letters.mkdir()
    letters.chmod(0o755)
    tmp_path.chmod(0o755)
    with pytest.raises(StartError, match=r"can be read by others; .* chmod 700 "):
        make_data_dir(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    tmp_path.chmod(0o700)
    make_data_dir(tmp_path)
    assert letters.stat().st_mode & 0o777 == 0o755, "it is none of ours"


def test_a_data_directory_is_closed_with_all_it_holds_but_links(tmp_path: Path) -> None:
    outside, data = tmp_path / "outside", tmp_path / "var"
    outside.write_text("x")
    outside.chmod(0o644)
    (data / "mongodb").mkdir(parents=True)
    (data / "mongodb" / "link").symlink_to(outside)
    (data / "mongodb" / "journal").write_text("x")
    (data / "mongodb" / "journal").chmod(0o664)
    data.chmod(0o755)
    make_data_dir(data)
    modes = [path.stat().st_mode & 0o777 for path in (data, data / "mongodb" / "journal", outside)]
    assert modes == [0o700, 0o600, 0o644]


def test_a_key_file_that_others_could_read_is_left_for_the_operator_to_see(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}")
    (tmp_path / "keys.json").chmod(0o644)
    make_data_dir(tmp_path)
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o644
