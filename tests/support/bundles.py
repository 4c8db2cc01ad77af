"""Bundles made by hand, of one edition at 峨眉山 and the keys of the tests."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from passes.admission.gates import Gate
from passes.admission.offline.alone import UNKNOWN, Alone, Decided, Known, Shown
from passes.admission.offline.bundle import DAYS, Bundle, BundleKey
from passes.admission.offline.flat import DayKind, FlatEdition, Rules
from passes.base.calendar import business_day
from passes.base.text import Text
from passes.codes.format import rotate, sign, to_text
from passes.codes.keys import GateKeys
from passes.ledger.verdicts import Reason, words_of
from tests.support import build
from tests.support.build import EMEISHAN, KEYS, NOW, TODAY

BUNDLE_KEY = BundleKey(1, Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
TRUSTED = {1: BUNDLE_KEY.private.public_key()}


def flat(**changes: Any) -> FlatEdition:
    """The annual pass, once a day; `day` is what holds on all days."""
    day = changes.pop("day", DayKind())
    usual = replace(
        UNKNOWN,
        number=1,
        product_id="annual",
        version=1,
        title=Text("年票", "annual pass"),
        covers=True,
        more_limits=False,
        days=(day,) * DAYS,
    )
    return replace(usual, **changes)


def rules(*editions: FlatEdition, **changes: Any) -> Rules:
    """What holds at 峨眉山 from today on."""
    usual = Rules(
        spot_id=EMEISHAN,
        days=tuple(TODAY + timedelta(days=n) for n in range(DAYS)),
        editions={each.number: each for each in editions or (flat(),)},
        free=((),) * DAYS,
        words={each.value: words_of(each) for each in Reason},
    )
    return replace(usual, **changes)


def bundle(*editions: FlatEdition, **changes: Any) -> Bundle:
    """The bundle of 峨眉山, made now; `rules` can be changed like anything else."""
    days = [TODAY + timedelta(days=n) for n in range(-1, DAYS)]
    usual = Bundle(
        spot_id=EMEISHAN,
        epoch=0,
        made_at=NOW,
        rules=rules(*editions),
        keys=GateKeys(KEYS.verifiers(), {day: KEYS.day_key(day) for day in days}),
        bundle_keys=TRUSTED,
    )
    return replace(usual, **changes)


def shown(at: Any = NOW, **changes: Any) -> Shown:
    """The rotating code of `build.code` at that moment, or its paper with `rotating=False`."""
    about = {name: changes.pop(name) for name in ("party", "purpose", "free") if name in changes}
    code = build.code(**changes)
    raw = sign(code, KEYS.newest())
    if code.rotating:
        raw = rotate(raw, KEYS.pass_day_key(business_day(at), code.pass_id), at)
    return Shown(to_text(raw), **about)


def decided(
    of: Bundle, *known: Known, at: Any = NOW, gate: Gate | None = None, **changes: Any
) -> Decided:
    """What a turnstile of 峨眉山, or another gate, decides alone."""
    return Alone(of, gate or build.gate()).decide(shown(at, **changes), known, at)
