"""Rotation: a new key for identities, and everything sealed anew under it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from passes.base.audit import AuditLine
from passes.base.auditing import AuditEntry
from server.keyfile import add_identity_key
from server.system import System


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did; `left` is what was sealed with an older key meanwhile."""

    key_id: int
    new_key: bool
    sealed_anew: int
    left: int


async def rotate_identity_key(
    system: System,
    key_file: Path,
    learned_within: float,
    by: str,
    now: datetime,
    progress: Callable[[float], None],
) -> Rotated:
    """Add a key and seal everything anew. Cut short, it is finished by the next one.

    Running servers read the keys within `learned_within` seconds; `progress` is told the part done.
    """
    people, entry = system.people, AuditEntry(system.base.audit)
    await entry.begin(AuditLine(now, by, "rotate", "key:identity"))
    # 1. The new key, unless a rotation before was cut short.
    unfinished = await people.sealed.count_old()
    if not unfinished:
        add_identity_key(key_file)
        people.vault.learn()
        # Until every running server seals with it, too.
        await asyncio.sleep(learned_within)
    # 2. What older keys have sealed.
    renewed = await people.sealed.renew(progress)
    key_id = people.vault.newest
    await entry.done(key_id=str(key_id), renewed=str(renewed))
    # 3. What was sealed with an older key meanwhile, if anything.
    left = await people.sealed.count_old()
    return Rotated(key_id, not unfinished, renewed, left)
