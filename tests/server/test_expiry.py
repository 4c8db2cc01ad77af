"""Whatever ends says so before: in the log once a day, in lists, and to the doctor."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from passes.admission.cards import MANY_IN_AN_HOUR
from passes.admission.gates import GateKind, Reader
from passes.codes.keys import Keyring, SigningKey
from passes.terms.times import Blackout
from passes.terms.validity import DateRange
from server.doctor import examine, of_readers
from server.expiry import ExpiryWatch, expiries, within
from server.findings import Finding, Level
from server.keyfile import Keys
from server.settings import Settings
from server.system import System
from tests.support import build
from tests.support.build import EMEISHAN, NOW, OPERATOR
from tests.support.world import Clock, World

DAYS = timedelta(days=30)


async def needing_a_hand(system: System, clock: Clock) -> list[str]:
    found = await expiries(system, clock())
    return [f"{each.kind} {each.id}" for each in found if each.needs_a_hand(clock())]


async def test_a_gate_token_needs_a_hand_for_its_last_30_days(world: World, clock: Clock) -> None:
    gate, _ = await world.gate()
    clock.time += timedelta(days=336)
    assert await needing_a_hand(world.system, clock) == []
    clock.time += timedelta(seconds=1)
    assert await needing_a_hand(world.system, clock) == [f"gate token {gate.id}"]
    clock.time += timedelta(days=400)
    assert await needing_a_hand(world.system, clock) == [f"gate token {gate.id}"], "also when over"


async def test_a_setup_code_that_nobody_typed_in_needs_a_hand(system: System, clock: Clock) -> None:
    keeping = system.admission.gate_keeping
    new = await keeping.add(EMEISHAN, GateKind.WINDOW, "", OPERATOR, NOW)
    (waiting,) = within(await expiries(system, NOW), DAYS, NOW)
    assert waiting.ends_at == new.expires_at
    assert await needing_a_hand(system, clock) == []
    clock.time += timedelta(days=7, seconds=1)
    assert await needing_a_hand(system, clock) == [f"setup code {new.gate.id}"]


@pytest.mark.parametrize(("days", "near"), [(89, True), (91, False)])
async def test_a_signing_key_is_told_to_end_90_days_before(
    system: System, clock: Clock, days: int, near: bool
) -> None:
    key = system.keys.codes.newest()
    ending = SigningKey(key.id, key.private, build.TODAY + timedelta(days=days))
    system.keys = replace(system.keys, codes=Keyring([ending], bytes(32)))
    assert isinstance(system.keys, Keys)
    assert await needing_a_hand(system, clock) == (["signing key 1"] if near else [])


async def test_days_off_that_are_not_known_for_the_next_year_are_told_in_december(
    system: System, clock: Clock
) -> None:
    holidays = Blackout(dates=(DateRange(date(2026, 10, 1), date(2026, 10, 7)),))
    draft = build.product(id="with-days-off", blackout=holidays)
    await system.terms.publishing.publish([draft], OPERATOR, NOW)
    await system.terms.editions.load()
    clock.time = NOW.replace(month=11, day=30)
    assert await needing_a_hand(system, clock) == []
    clock.time = NOW.replace(month=12, day=3)
    assert await needing_a_hand(system, clock) == ["days off with-days-off"]


async def test_an_offer_ends_as_planned(system: System, clock: Clock) -> None:
    offer = build.offer()
    await system.offers.publishing.publish([offer], OPERATOR, NOW)
    await system.offers.offers.load()
    found = await expiries(system, clock())
    (told,) = [each for each in found if each.kind == "offer"]
    assert told.id == offer.id
    assert not told.needs_a_hand(told.ends_at)
    clock.time = told.ends_at
    assert not [each for each in await expiries(system, clock()) if each.kind == "offer"]


async def test_the_log_says_once_a_day_what_ends(
    world: World, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    gates = [gate for gate, _ in [await world.gate(), await world.gate()]]
    watch = ExpiryWatch(world.system)
    await watch.look(clock())
    assert caplog.text == ""
    clock.time += timedelta(days=340)
    for _ in range(3):
        await watch.look(clock())
    assert len(caplog.records) == 1, "once a day, and one line for a kind"
    message = caplog.records[0].getMessage()
    assert message.startswith("2 × gate token ends soon")
    assert any(gate.id in message for gate in gates)
    clock.time += timedelta(days=1)
    await watch.look(clock())
    assert len(caplog.records) == 2


def settings_over(folder: Path, **more: str) -> Settings:
    return Settings(_env_file=None, data_dir=folder, **more)  # type: ignore[call-arg,arg-type]


def of_level(findings: list[Finding], level: Level) -> list[str]:
    return [each.what for each in findings if each.level is level]


async def test_the_doctor_makes_no_system_where_there_is_none(tmp_path: Path) -> None:
    missing = tmp_path / "var"
    findings = await examine(settings_over(missing), DAYS, NOW)
    assert of_level(findings, Level.FAULT) == [f"there is no key file {missing / 'keys.json'}"]
    assert not missing.exists()


async def test_the_doctor_sees_what_others_can_read(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}")
    tmp_path.chmod(0o755)
    (tmp_path / "keys.json").chmod(0o644)
    findings = await examine(settings_over(tmp_path), DAYS, NOW)
    remedies = [each.remedy for each in findings if each.check == "data directory"]
    assert remedies == [f"chmod 700 {tmp_path}", f"chmod 600 {tmp_path / 'keys.json'}"]
    assert tmp_path.stat().st_mode & 0o777 == 0o755, "it looks, and changes nothing"


async def test_the_doctor_sees_gates_that_try_numbers_and_carriers_without_a_provider(
    system: System, world: World
) -> None:
    gate, _ = await world.gate(readers=frozenset({Reader.CARRIER}))
    counts = system.admission.vain_counts
    for hour, number in ((NOW - timedelta(hours=1), MANY_IN_AN_HOUR), (NOW - timedelta(days=2), 1)):
        document = {"_id": f"{hour}", "gate_id": gate.id, "hour": hour, "count": number}
        await system.database.collection("cards_in_vain").insert(document)
    await counts.add("another", NOW)
    real = settings_over(Path("var"), wechat_appid="wx0123456789", wechat_secret="s3cret")
    findings = await of_readers(system, real, NOW)
    assert [each.what for each in findings] == [
        f"{gate.id} has read {MANY_IN_AN_HOUR} cards without a pass in an hour",
        "gates read carriers, and nobody vouches for them",
    ]
