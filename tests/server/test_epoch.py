"""Epochs: a restored backup brings back nothing that was given out before."""

import json
import logging
from pathlib import Path

import pytest

from handlers.web.problems import Problem
from passes.codes.keys import Keyring
from server.auth import Tokens
from server.epoch import compare_epochs, epoch_of, note_epoch
from server.keyfile import begin_epoch, load_keys, make_keys
from server.mongo import Mongo
from tests.support import build
from tests.support.build import NOW, SERIAL, TODAY


async def test_a_restored_backup_revives_withdrawn_tokens() -> None:
    before, after = Tokens({1: bytes(32)}), Tokens({1: bytes(32)}, epoch=1)
    old, new = before.for_gate(build.gate(), NOW), after.for_gate(build.gate(), NOW)
    audiences = frozenset({"gate"})
    assert before.read(old, audiences, NOW).id == after.read(new, audiences, NOW).id
    for tokens, token in ((after, old), (before, new), (Tokens({1: bytes(32)}, epoch=2), new)):
        with pytest.raises(Problem) as refused:
            tokens.read(token, audiences, NOW)
        assert refused.value.code == "token_invalid"


def test_a_restored_backup_revives_the_codes_of_a_lost_phone() -> None:
    first, second = Keyring([], bytes(32)), Keyring([], bytes(32), epoch=1)
    assert first.pass_day_key(TODAY, SERIAL) != second.pass_day_key(TODAY, SERIAL)
    assert first.pass_mac_key() == second.pass_mac_key(), "passes stay ours"


def test_an_epoch_is_above_that_of_the_key_file_and_that_of_the_database(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    make_keys(file)
    before = load_keys(file)
    assert before.epoch == 0
    assert [begin_epoch(file, 0), begin_epoch(file, 0), begin_epoch(file, 7)] == [1, 2, 8]
    assert load_keys(file).epoch == 8
    assert load_keys(file).fingerprint == before.fingerprint


def test_a_key_file_from_before_epochs_is_read(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    make_keys(file)
    keys = json.loads(file.read_text())
    del keys["epoch"]
    file.write_text(json.dumps(keys))
    assert load_keys(file).epoch == 0


async def test_a_database_that_is_older_than_its_key_file_is_taken_for_current(
    mongo: Mongo, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        await compare_epochs(mongo, 0)
        assert not caplog.messages
        await compare_epochs(mongo, 1)
        assert "was a backup restored?" in caplog.text
        await note_epoch(mongo, 3)
        assert await epoch_of(mongo) == 3
        caplog.clear()
        await compare_epochs(mongo, 3)
        assert not caplog.messages
        await compare_epochs(mongo, 2)
        assert "an old key file was put back" in caplog.text
