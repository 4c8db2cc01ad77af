"""The fleet: all gates with what they say of themselves, and what somebody has to do about them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from passes.admission.cards import too_many
from passes.admission.clocks import DIFFERENT
from passes.admission.gate_keeping import GateKeeping
from passes.admission.gates import TOKEN_WARNING, GateState, SetGate
from passes.admission.heartbeats import Heartbeat
from passes.admission.ports import Heartbeats, VainCounts

BUNDLE_WARNING = timedelta(hours=24)
"""How old the bundle of a gate may be before somebody has to look."""

_VAIN_WITHIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Watched:
    """A gate as it is set up, and as it was heard of last.

    `cards_in_vain` is how many cards without a pass it has read, by hour of the last day.
    """

    set_up: SetGate
    heartbeat: Heartbeat | None
    cards_in_vain: Sequence[int] = ()


class Fleet:
    """Watches gates."""

    def __init__(
        self, keeping: GateKeeping, heartbeats: Heartbeats, vain_counts: VainCounts
    ) -> None:
        """The others are stores."""
        self._keeping = keeping
        self._heartbeats = heartbeats
        self._vain_counts = vain_counts

    async def all(self, now: datetime) -> Sequence[Watched]:
        """Every gate, the worst first."""
        beats = {each.id: each for each in await self._heartbeats.all()}
        in_vain = await self._vain_counts.since(now - _VAIN_WITHIN)
        watched = [
            Watched(each, beats.get(each.gate.id), in_vain.get(each.gate.id, ()))
            for each in await self._keeping.all()
        ]
        return sorted(watched, key=lambda each: (_rank(each, now), each.set_up.gate.id))


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a gate, in words, and how bad: 0 is the worst."""

    rank: int
    words: str


_FINE = 100


def _rank(watched: Watched, now: datetime) -> int:
    return min((each.rank for each in wrongs(watched, now)), default=_FINE)


def wrongs(watched: Watched, now: datetime) -> Sequence[Wrong]:
    """What is wrong with a gate, the worst first."""
    found = [*_of_token(watched, now), *_of_heartbeat(watched, now), *_of_cards(watched)]
    return sorted(found, key=lambda each: each.rank)


def _of_token(watched: Watched, now: datetime) -> Iterator[Wrong]:
    gate, setup = watched.set_up.gate, watched.set_up.setup
    if gate.token_ends_at is not None:
        left = gate.token_ends_at - now
        if left <= timedelta():
            yield Wrong(0, "its token has ended: renew it")
        elif left < TOKEN_WARNING:
            yield Wrong(6, f"its token ends in {left.days} days: renew it")
    if gate.state is GateState.ADDED and setup is not None and setup.expires_at <= now:
        yield Wrong(7, "its setup code has expired: renew it")


def _of_heartbeat(watched: Watched, now: datetime) -> Iterator[Wrong]:
    """A gate that has never sent a heartbeat has a program that sends none: nothing is wrong."""
    gate, beat = watched.set_up.gate, watched.heartbeat
    if beat is None:
        return
    waiting = _scans(beat.queued)
    if gate.state is not GateState.ENROLLED:
        if beat.queued:
            yield Wrong(4, f"not in service, and {waiting} when it was heard of last")
        return
    if not beat.fresh(now):
        yield Wrong(1, f"silent for {_span(now - beat.at)}: look at its line and its power")
    if abs(beat.skew_ms) > DIFFERENT / timedelta(milliseconds=1):
        ahead = "ahead" if beat.skew_ms > 0 else "behind"
        span = _span(timedelta(milliseconds=abs(beat.skew_ms)))
        yield Wrong(3, f"its clock is {span} {ahead}: set it")
    if beat.queued:
        yield Wrong(4, f"late: {waiting}")
    if beat.bundle is not None and now - beat.bundle.made_at > BUNDLE_WARNING:
        yield Wrong(5, f"its bundle is {_span(now - beat.bundle.made_at)} old")


def _of_cards(watched: Watched) -> Iterator[Wrong]:
    if too_many(watched.cards_in_vain):
        yield Wrong(2, "it has read very many cards without a pass: is it trying numbers?")


def _scans(number: int) -> str:
    return "1 scan waits" if number == 1 else f"{number} scans wait"


def _span(span: timedelta) -> str:
    """About how long, as people say it."""
    minutes = round(span.total_seconds() / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours = round(minutes / 60)
    return f"{hours} h" if hours < 48 else f"{round(hours / 24)} days"
