"""Upkeep: what happens beside the scans, so that none of them waits for it.

A beat says to the server how the gate is, learns the time and what to obey, fetches the bundle and
renews the token. Without a line beats are the probes that find out that it is back. Uploads go on
their own.
"""

import asyncio
import random
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from passes.admission.offline.bundle import BundleRefused
from passes.base.calendar import SHANGHAI
from passes.base.text import Text
from scripts.gate import VERSION
from scripts.gate.client import Call, NoAnswer, Refused, document_of
from scripts.gate.clock import steady
from scripts.gate.device import Device
from scripts.gate.enrolment import renewed
from scripts.gate.journal import NotKept
from scripts.gate.uploading import upload_once

KEPT_FOR = timedelta(days=8)
"""How long what is uploaded is remembered: a bundle is good for seven days."""

_PROBE_ANSWERS_WITHIN = 3.0
_NOT_A_HUB = Text(
    "本机未登记为汇聚点，其他闸机的记录不能上传",
    "what other gates decided waits here: this gate is not added as a hub",
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often, in seconds."""

    beat: float = 30.0
    probe: float = 2.0
    """The first probe after the line was lost; each later one waits longer, up to `slowest`."""
    slowest_probe: float = 15.0
    bundle: float = 60.0
    """From one bundle to the next, where heartbeats do not tell whether there is a newer one."""
    upload: float = 1.0
    """How long after an item was queued, or an upload failed, the next is tried."""


@dataclass
class Upkeep:
    """Keeps one gate, or hub, up."""

    gate: Device
    pace: Pace = field(default_factory=Pace)
    _probes: int = 0
    _fetched_at: float = float("-inf")
    _told: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._beats())
            tasks.create_task(self._uploads())

    async def first(self) -> None:
        """One beat before anybody is served, so that there is a bundle if there can be one."""
        try:
            await self.beat()
        except NotKept as error:
            self._tell_once("disk", _FULL, why=str(error))

    async def _beats(self) -> None:
        while True:
            pause = self.pace.beat
            try:
                pause = await self.beat()
            except NotKept as error:
                self._tell_once("disk", _FULL, why=str(error))
            except Exception:  # it must not end with one beat
                traceback.print_exc()
            else:
                self._told.discard("disk")
            await _first_of(self.gate.lost, pause)

    async def _uploads(self) -> None:
        failures = 0
        while True:
            sent = 0
            try:
                sent = await self.upload()
                failures = 0
            except (NoAnswer, Refused, NotKept):
                failures += 1  # a beat finds out why, and says so
            except Exception:  # it must not end with one upload
                failures += 1
                traceback.print_exc()
            if failures:
                await asyncio.sleep(min(self.pace.upload * 2**failures, self.pace.beat))
            elif sent == 0:
                await _first_of(self.gate.queued, self.pace.upload)

    async def beat(self) -> float:
        """One beat; how many seconds to wait for the next. Raises `NotKept`."""
        self._look_at_clock()
        self._look_at_bundle()
        try:
            told = await self._heartbeat()
        except NoAnswer as error:
            self.gate.missed(error)
            return self._next_probe(error)
        except Refused as error:
            self.gate.answered()
            await self.gate.refused(error)
            return self.pace.beat
        self._probes = 0
        self.gate.answered()
        await self._obey(told)
        if not self.gate.line.online:
            return self.pace.probe
        return self.pace.slowest_probe if self.gate.held.bundle is None else self.pace.beat

    async def _heartbeat(self) -> dict[str, Any]:
        """What the server answers to a heartbeat. One that is older than heartbeats says nothing.

        Raises `NoAnswer`, `Refused`, `NotKept`.
        """
        asked, report = steady(), await self._report()
        call = Call("POST", "/gate/heartbeat", report, seconds=_PROBE_ANSWERS_WITHIN)
        try:
            told = document_of(await self.gate.client.find(call))
        except Refused as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return {}
        self.gate.clock.learn(datetime.fromisoformat(told["server_time"]), asked)
        return told

    async def upload(self) -> int:
        """One call, if something waits and the server answers; how many items it took.

        Raises `NoAnswer`, `Refused`, `NotKept`.
        """
        if not self.gate.reachable or await self.gate.journal.length() == 0:
            return 0
        gate = self.gate
        uploaded = await upload_once(gate.client, gate.journal, gate.clock, gate.held.version)
        left = await gate.journal.length()
        if uploaded.is_no_hub:
            self._tell_once("not_a_hub", _NOT_A_HUB)
        if uploaded.items == 0:
            return 0
        gate.tell(
            "uploaded",
            Text(
                f"已上传{uploaded.items}条，剩余{left}条，冲突{len(uploaded.conflicts)}条",
                f"{uploaded.items} uploaded, {left} left, {len(uploaded.conflicts)} in conflict",
            ),
            items=uploaded.items,
            left=left,
            conflicts=list(uploaded.conflicts),
            wrong=list(uploaded.wrong),
        )
        return uploaded.items

    async def _obey(self, told: Mapping[str, Any]) -> None:
        """Do what a heartbeat was answered. What fails is tried with the next."""
        gate = self.gate
        await gate.journal.set(clock=gate.clock.kept())
        await gate.journal.prune(gate.clock.now() - KEPT_FOR)
        commands = told.get("commands") or {}
        if "disabled" in commands:
            await gate.served(disabled=commands["disabled"])
        try:
            await self._fetch(told.get("bundle_etag"), commands)
            if commands.get("renew_token") or gate.enrolment.ends_soon(gate.clock.now()):
                gate.enrolment = await renewed(gate.client, gate.journal, gate.enrolment)
                gate.tell("renewed", Text("令牌已更新", "the token is renewed"))
        except (NoAnswer, Refused, BundleRefused) as error:
            why = str(error)
            self._tell_once("upkeep", Text(f"后台更新未完成：{why}", f"not done yet: {why}"))
        else:
            self._told.discard("upkeep")

    async def _fetch(self, etag: str | None, commands: Mapping[str, Any]) -> None:
        """Fetch the bundle, if it is time, or if entry was stopped or resumed since it was made."""
        gate = self.gate
        if etag is not None and etag.strip('"') == gate.held.etag:
            return
        changed = "stop" in commands and gate.held.stopped_until != _until(commands["stop"])
        if etag is None and not changed and steady() - self._fetched_at < self.pace.bundle:
            return
        if await gate.held.refresh(gate.client, gate.journal):
            words = Text("离线数据已更新", "a newer bundle is held")
            gate.tell("bundle", words, bundle=gate.held.about)
        self._fetched_at = steady()

    async def _report(self) -> dict[str, Any]:
        gate = self.gate
        return {
            "version": VERSION,
            "queued": await gate.journal.length(),
            "skew_ms": gate.clock.skew_ms,
            "bundle": gate.held.about,
            "last_scan_at": gate.last_scan_at and gate.last_scan_at.isoformat(),
            "counters": gate.counted,
        }

    def _look_at_bundle(self) -> None:
        bundle = self.gate.held.bundle
        if bundle is None or not bundle.is_old(self.gate.clock.now()):
            self._told.discard("bundle_old")
            return
        until = bundle.good_until.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
        words = Text(
            f"离线数据超过24小时未更新，{until}后将不能离线验票",
            f"the bundle is older than a day; without a newer one nobody is let in after {until}",
        )
        self._tell_once("bundle_old", words, bundle=self.gate.held.about)

    def _look_at_clock(self) -> None:
        jump = self.gate.clock.jumped()
        if jump is not None:
            seconds = round(jump.total_seconds())
            words = Text(
                f"本机时钟被调整了{seconds}秒", f"the clock of this machine was set by {seconds} s"
            )
            self.gate.tell("clock_jumped", words, seconds=seconds)
        skew = round(self.gate.clock.skew_ms / 1000)
        if self.gate.clock.is_wrong:
            words = Text(
                f"本机时钟差{skew}秒，请校准", f"the clock of this machine is {skew} s off: set it"
            )
            self._tell_once("clock_wrong", words, skew_ms=self.gate.clock.skew_ms)
        else:
            self._told.discard("clock_wrong")

    def _tell_once(self, event: str, words: Text, **more: Any) -> None:
        """Tell what lasts, until it has ended and begins anew."""
        if event not in self._told:
            self._told.add(event)
            self.gate.tell(event, words, **more)

    def _next_probe(self, error: NoAnswer) -> float:
        """Longer each time, and not all gates of a spot at once."""
        pause = min(self.pace.probe * 2**self._probes, self.pace.slowest_probe)
        self._probes = min(self._probes + 1, 10)
        spread = random.uniform(0.8, 1.2)  # noqa: S311 - no secret
        return float(max(pause * spread, error.retry_after))


def _until(stop: Mapping[str, Any] | None) -> datetime | None:
    """Until when entry is stopped, as a heartbeat tells it."""
    return None if stop is None else datetime.fromisoformat(stop["until"])


async def _first_of(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, at most so long; what was set before counts, too."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    event.clear()


_FULL = Text("磁盘写入失败", "the disk takes nothing")
