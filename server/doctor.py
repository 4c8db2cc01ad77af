"""The doctor: looks at a system and says what needs a hand, before visitors notice."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

from passes.admission.cards import too_many
from passes.admission.gates import GateState, Reader
from passes.base.errors import DomainError, Unavailable
from scenic_data.files import DataError
from server.checks import (
    of_catalogue,
    of_counters,
    of_database,
    of_holidays,
    of_indexes,
    of_ledgers,
    of_schema,
)
from server.clock import now as clock
from server.database import joined_database
from server.errors import StartError
from server.expiry import expiries, within
from server.findings import Finding, Level
from server.keyfile import MOST_KEYS, key_rows
from server.mongo import PATIENT_SECONDS, SERVING_SECONDS, Mongo
from server.settings import Settings
from server.system import System, open_system

_FEW_IDS = 10
"""How many ids of keys have to be left."""


async def examine(
    settings: Settings, days: timedelta, now: datetime, *, whole: bool = False
) -> list[Finding]:
    """Everything that can be said of a system, and of what ends in the next `days`; of ledgers and
    counters a sample, or the `whole`.

    It makes no new system: where there is none, that is a finding.
    """
    findings = list(_of_data_dir(settings))
    if not settings.key_file.exists():
        what = f"there is no key file {settings.key_file}"
        remedy = "start the server once, or bring the key file of this system"
        return [*findings, Finding("keys", Level.FAULT, what, remedy)]
    seconds = PATIENT_SECONDS if whole else SERVING_SECONDS
    try:
        findings += list(_of_key_file(settings))
        async with (
            joined_database(settings) as uri,
            Mongo(uri, settings.mongo_database, settings.mongo_driver, seconds=seconds) as mongo,
        ):
            data_dir = settings.data_dir if settings.mongo_uri is None else None
            findings += await of_database(mongo, data_dir, clock())
            findings += await of_indexes(mongo)
            system = await open_system(settings, mongo, now, serves=False)
            findings += await of_schema(system)
            findings += await of_ledgers(system, whole=whole)
            findings += await of_counters(system, now, whole=whole)
            findings += await of_catalogue(system, now)
            findings += of_holidays(system, now)
            findings += await _of_gates(system)
            findings += await of_readers(system, settings, now)
            findings += await _of_ends(system, days, now)
    except Unavailable as error:
        remedy = "start it, or correct BASHU_MONGO_URI; the log says more"
        findings.append(Finding("database", Level.FAULT, error.text.en, remedy))
    except (StartError, DomainError, DataError, OSError) as error:
        findings.append(Finding("start", Level.FAULT, str(error)))
    if settings.uses_sandbox:
        what = "visitors sign in through the sandbox, and none of them is real"
        findings.append(Finding("wechat", Level.NOTICE, what))
    return findings


def _of_data_dir(settings: Settings) -> Iterator[Finding]:
    """Whether others can read the data directory or the key file."""
    for path, right in ((settings.data_dir, "700"), (settings.key_file, "600")):
        if not path.exists():
            continue
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            what = f"{path} has mode {mode:o}, others can get at it"
            yield Finding("data directory", Level.FAULT, what, f"chmod {right} {path}")
        else:
            yield Finding("data directory", Level.OK, f"{path} has mode {mode:o}")


def _of_key_file(settings: Settings) -> Iterator[Finding]:
    """How many ids are left for new keys."""
    rows = key_rows(settings.key_file)
    for use in dict.fromkeys(str(row["use"]) for row in rows):
        used = max(int(str(row["id"])) for row in rows if row["use"] == use)
        left = MOST_KEYS - used
        if left < _FEW_IDS:
            yield Finding("keys", Level.FAULT, f"{left} ids are left for keys of {use}")
        else:
            yield Finding("keys", Level.OK, f"key {used} of {use} is the newest")


async def _of_gates(system: System) -> list[Finding]:
    """How many gates there are, and whose end of the token is not known."""
    gates = [each.gate for each in await system.admission.gate_keeping.all()]
    enrolled = [gate for gate in gates if gate.state is GateState.ENROLLED]
    findings = [Finding("gates", Level.OK, f"{len(enrolled)} of {len(gates)} are enrolled")]
    if not enrolled:
        findings = [Finding("gates", Level.NOTICE, "no gate is enrolled", "gates add")]
    for gate in enrolled:
        if gate.token_ends_at is None:
            what = f"when the token of {gate.id} ends is not known"
            findings.append(Finding("gates", Level.NOTICE, what, f"gates renew {gate.id}"))
    return findings


async def of_readers(system: System, settings: Settings, now: datetime) -> list[Finding]:
    """Gates that read very many cards without a pass, and carriers that nobody vouches for."""
    findings = []
    in_vain = await system.admission.vain_counts.since(now - timedelta(days=1))
    for gate_id, counts in sorted(in_vain.items()):
        if too_many(counts):
            what = f"{gate_id} has read {max(counts)} cards without a pass in an hour"
            remedy = f"look whether it tries numbers; gates disable {gate_id}"
            findings.append(Finding("gates", Level.FAULT, what, remedy))
    gates = [each.gate for each in await system.admission.gate_keeping.all()]
    reads_carriers = any(Reader.CARRIER in gate.readers for gate in gates)
    if reads_carriers and settings.carriers_url is None and not settings.uses_sandbox:
        what = "gates read carriers, and nobody vouches for them"
        findings.append(Finding("carriers", Level.NOTICE, what, "set BASHU_CARRIERS_URL"))
    return findings


async def _of_ends(system: System, days: timedelta, now: datetime) -> list[Finding]:
    """What ends in that time."""
    findings = []
    for each in within(await expiries(system, now), days, now):
        level = Level.FAULT if each.needs_a_hand(now) else Level.NOTICE
        verb = "has ended" if each.ends_at <= now else "ends"
        what = f"{each.kind} {each.id} {verb}"
        findings.append(Finding("ends", level, what, each.remedy, each.ends_at))
    return findings


def run(settings: Settings, days: timedelta, now: datetime, *, whole: bool) -> list[Finding]:
    """`examine`, for a command."""
    return asyncio.run(examine(settings, days, now, whole=whole))
