"""Epochs: what was given out before a backup was restored is worthless from then on.

A restored database brings back what was withdrawn since the backup: tokens of gates, sessions of
visitors, codes of lost phones. The key file is not restored, so it counts: an operator raises its
epoch, and tokens and day keys of another epoch are not good any more. The database remembers the
epoch that it was used in (docs/backup.md).
"""

import logging

from passes.store.database import Database

log = logging.getLogger(__name__)

_SETTING = {"_id": "epoch"}


async def epoch_of(database: Database) -> int:
    """The epoch that a database was last used in; 0 before the first was begun."""
    stored = await database.collection("settings").get(_SETTING)
    return int(stored["number"]) if stored else 0


async def note_epoch(database: Database, number: int) -> None:
    """Let a database be of an epoch."""
    await database.collection("settings").update(
        _SETTING, {"$set": {"number": number}}, upsert=True
    )


async def compare_epochs(database: Database, of_keys: int) -> None:
    """Say so, if database and key file are not of the same epoch: one of them was restored."""
    of_database = await epoch_of(database)
    if of_database < of_keys:
        log.error(
            "the database is of epoch %d, its key file of epoch %d: was a backup restored? "
            "Stop all servers and run: python -m scripts keys new-epoch (docs/backup.md)",
            of_database,
            of_keys,
        )
    if of_database > of_keys:
        log.error(
            "the key file is of epoch %d, its database of epoch %d: an old key file was put back, "
            "and withdrawn tokens are good again. Bring back the newest key file, or stop all "
            "servers and run: python -m scripts keys new-epoch (docs/backup.md)",
            of_keys,
            of_database,
        )
