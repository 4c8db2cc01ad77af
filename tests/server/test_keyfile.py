"""The key file: private, whole, and never overwritten."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server.errors import StartError
from server.keyfile import (
    add_identity_key,
    ensure_bundle_key,
    key_rows,
    load_keys,
    make_keys,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    make_keys(tmp_path / "keys.json")
    return tmp_path / "keys.json"


def test_fresh_keys_are_private_and_load(file: Path) -> None:
    assert file.stat().st_mode & 0o777 == 0o600
    assert load_keys(file).codes.newest().id == 1
    assert sorted(path.name for path in file.parent.iterdir()) == ["keys.json", "keys.lock"]


def test_two_systems_have_different_keys(file: Path, tmp_path: Path) -> None:
    make_keys(tmp_path / "other.json")
    assert load_keys(file).fingerprint != load_keys(tmp_path / "other.json").fingerprint


def test_a_key_file_is_never_overwritten(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(FileExistsError):
        make_keys(file)
    assert file.read_bytes() == before
    assert sorted(path.name for path in file.parent.iterdir()) == ["keys.json", "keys.lock"]


def test_a_key_file_open_to_others_is_refused(file: Path) -> None:
    file.chmod(0o640)
    with pytest.raises(StartError, match="chmod 600"):
        load_keys(file)


def test_a_missing_key_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="there is no key file"):
        load_keys(tmp_path / "keys.json")


def test_a_broken_key_file_is_refused_without_showing_what_is_in_it(file: Path) -> None:
    keys = json.loads(file.read_text())
    secret = keys["master"]
    keys["master"] = secret[:-8]
    file.write_text(json.dumps(keys))
    with pytest.raises(StartError, match="is broken, bring back its backup: master") as refused:
        load_keys(file)
    assert secret[:10] not in str(refused.value)


def test_a_key_file_from_before_bundles_gets_a_key_for_them_once(file: Path) -> None:
    keys = json.loads(file.read_text())
    del keys["bundles"]
    file.write_text(json.dumps(keys))
    assert load_keys(file).bundles == ()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ensure_bundle_key(file), range(8)))
    added = file.read_bytes()
    ensure_bundle_key(file)
    assert file.read_bytes() == added
    assert [key.id for key in load_keys(file).bundles] == [1]


def test_keys_that_are_added_at_once_are_all_kept(file: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: add_identity_key(file), range(8)))
    assert sorted(ids) == list(range(2, 10))
    identity_keys = [row["id"] for row in key_rows(file) if row["use"] == "identities"]
    assert identity_keys == list(range(1, 10))
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.glob("*.new")) == []
    load_keys(file)
