"""The codes that the holder of a pass shows: for paper, and rotating on a phone."""

import base64
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from passes.base.calendar import business_day
from passes.codes import format as codes
from passes.codes.keys import Keyring
from passes.holding.genuine import check_genuine
from passes.holding.model import Pass
from passes.terms.prices import Payment

DAY_KEYS_GIVEN = 7
"""For how many days a phone can rotate its code without signal."""


@dataclass(frozen=True, slots=True)
class DayKey:
    """The key with which a phone rotates one pass on one business day, in base64."""

    day: date
    key: str


@dataclass(frozen=True, slots=True)
class LiveCode:
    """All that a phone needs to show a pass, offline for a week.

    The current text, and what makes the next ones.
    """

    text: str
    signed: str
    day_keys: tuple[DayKey, ...]
    keys_until: date
    """The last day on which this shows a code that is taken."""
    step_seconds: int
    server_time: datetime


def static_text(held: Pass, keys: Keyring) -> str:
    """The text of a code for print. It admits only where staff look at the holder's card."""
    return codes.to_text(_signed(held, keys, rotating=False))


def live_text(held: Pass, keys: Keyring, now: datetime) -> str:
    """The text of the rotating code at `now`."""
    key = keys.pass_day_key(business_day(now), held.id)
    return codes.to_text(codes.rotate(_signed(held, keys, rotating=True), key, now))


def live_code(held: Pass, keys: Keyring, now: datetime, ends_on: date | None = None) -> LiveCode:
    """What the phone of the holder fetches; that of who shows it for them until `ends_on` gets no
    key for that day."""
    days = [business_day(now) + timedelta(days=n) for n in range(DAY_KEYS_GIVEN)]
    days = [day for day in days if ends_on is None or day < ends_on]
    return LiveCode(
        text=live_text(held, keys, now),
        signed=_base64(_signed(held, keys, rotating=True)),
        day_keys=tuple(DayKey(day, _base64(keys.pass_day_key(day, held.id))) for day in days),
        keys_until=min(days[-1], keys.newest().last_day, held.span.end),
        step_seconds=codes.STEP_SECONDS,
        server_time=now,
    )


def _signed(held: Pass, keys: Keyring, *, rotating: bool) -> bytes:
    """The signed part of a code. Raises `Conflict` for a pass that is not genuine."""
    check_genuine(held)
    key = keys.newest()
    code = codes.Code(
        key_id=key.id,
        pass_id=held.id,
        product_number=held.edition.number,
        first_day=held.span.start,
        last_day=held.span.end,
        party=held.terms.party.admits,
        rotating=rotating,
        pay_at_window=held.terms.payment is Payment.AT_WINDOW,
    )
    return codes.sign(code, key)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
