"""Bundles: signed, whole, of this spot, and never older than one that was taken."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from passes.admission.gates import GateKind, GateState
from passes.admission.offline.bundle import (
    Bundle,
    BundleKey,
    BundleRefused,
    Refusal,
    Version,
    check_follows,
    decode,
    digest_of,
    encode,
    hash_of_spent,
    opened,
    sign,
)
from passes.admission.offline.cascade import made
from passes.admission.offline.flat import Bound, Changes, DayKind, GateRow, State
from passes.admission.stop import Stop
from passes.ledger.verdicts import Reason
from passes.terms.prices import Party
from passes.terms.terms import Limits
from passes.terms.times import Hours
from tests.support import bundles
from tests.support.build import EMEISHAN, NOW, SERIAL, TODAY, XIANNVSHAN
from tests.support.bundles import BUNDLE_KEY, TRUSTED

FULL = bundles.bundle(
    bundles.flat(
        limits=Limits(per_spot_day=None, per_spot=3, minutes_between=20),
        day=DayKind(hours=(Hours(time(8), time(17, 30)),), party=Party(2, 1, 9_900)),
    ),
    bundles.flat(number=2, covers=False, days=(DayKind(Reason.BLACKOUT),) * 8),
    epoch=3,
    gates=(GateRow("a", GateKind.TURNSTILE, GateState.ENROLLED, ("id_card",), "ab" * 32, ("1",)),),
    cascade=made([1], [2, 3], bytes(8)),
    changes=Changes({SERIAL: Reason.REVOKED}, frozenset({"00000000000000a2"})),
    spent=frozenset({hash_of_spent(EMEISHAN, SERIAL)}),
    bound=Bound(TODAY, frozenset({SERIAL})),
    hours={
        "2026-07-01T09": {SERIAL: State(1, 1, last_at=NOW, steps=frozenset({7}))},
        "2026-07-01T10": {SERIAL: State(2, 2, 1, 1, 1, 1, NOW, frozenset({7, 8}), "senior")},
    },
)
FULL = replace(
    FULL,
    rules=replace(
        FULL.rules,
        free=(("child",),) * 8,
        stop=Stop(EMEISHAN, NOW, NOW + timedelta(hours=1), "full", "", emergency=True),
    ),
)


def again(bundle: Bundle) -> Bundle:
    return opened(decode(encode(sign(bundle, BUNDLE_KEY)), TRUSTED))


def test_a_bundle_is_read_as_it_was_made() -> None:
    found = again(FULL)
    assert replace(found, keys=FULL.keys) == FULL
    assert found.keys.verifying == FULL.keys.verifying
    assert found.keys.day_keys == FULL.keys.day_keys


def test_the_last_hour_of_a_pass_counts() -> None:
    assert again(FULL).states()[SERIAL].visits == 2


def test_parts_that_the_gate_holds_are_not_sent_again() -> None:
    first = sign(FULL, BUNDLE_KEY)
    later = sign(replace(FULL, made_at=NOW + timedelta(minutes=1), changes=Changes()), BUNDLE_KEY)
    held = {digest_of(raw): raw for raw in first.parts.values()}
    delta = encode(later, held)
    assert decode(delta, TRUSTED, held) == later
    assert len(delta) < len(encode(later)) / 2
    refused(encode(first, held), Refusal.MISSING_PART)


def test_the_secrets_of_a_bundle_stand_in_no_text_about_it() -> None:
    secret = FULL.keys.day_keys[TODAY]
    for told in (FULL, sign(FULL, BUNDLE_KEY), BUNDLE_KEY):
        assert str(secret) not in repr(told)
        assert secret.hex() not in repr(told)


WHOLE = encode(sign(FULL, BUNDLE_KEY))


def refused(raw: bytes, why: Refusal) -> None:
    with pytest.raises(BundleRefused) as error:
        opened(decode(raw, TRUSTED))
    assert error.value.why is why


def by_another_key(raw: bytes) -> bytes:
    key = BundleKey(1, Ed25519PrivateKey.from_private_bytes(bytes(32)))
    return encode(sign(FULL, key))


def with_bit(at: int) -> Callable[[bytes], bytes]:
    def flipped(raw: bytes) -> bytes:
        changed = bytearray(raw)
        changed[at] ^= 1
        return bytes(changed)

    return flipped


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (lambda raw: b"", Refusal.MALFORMED),
        (lambda raw: b"BPB2" + raw[4:], Refusal.MALFORMED),
        (lambda raw: raw[:60], Refusal.MALFORMED),
        (lambda raw: raw[:200], Refusal.MALFORMED),
        (lambda raw: raw + b"\0", Refusal.MALFORMED),
        (lambda raw: raw[:-1], Refusal.MALFORMED),
        (with_bit(4), Refusal.UNKNOWN_KEY),
        (with_bit(5), Refusal.FORGED),
        (with_bit(80), Refusal.FORGED),
        (with_bit(-1), Refusal.DAMAGED_PART),
        (by_another_key, Refusal.FORGED),
    ],
    ids=[
        "empty",
        "format",
        "cut",
        "cut later",
        "longer",
        "shorter",
        "key",
        "signature",
        "manifest",
        "part",
        "another key",
    ],
)
def test_what_is_no_bundle_of_ours_is_refused(
    broken: Callable[[bytes], bytes], why: Refusal
) -> None:
    refused(broken(WHOLE), why)


@pytest.mark.parametrize(
    ("spot_id", "newest", "why"),
    [
        (EMEISHAN, None, None),
        (EMEISHAN, FULL.version, None),
        (EMEISHAN, Version(2, FULL.version.number + 1), None),
        (EMEISHAN, Version(3, FULL.version.number + 1), Refusal.OLDER),
        (EMEISHAN, Version(4, 0), Refusal.OLDER),
        (XIANNVSHAN, None, Refusal.OTHER_SPOT),
    ],
    ids=["first", "same", "restored backup", "replay", "older epoch", "spot"],
)
def test_a_gate_takes_no_older_bundle_and_none_of_another_spot(
    spot_id: str, newest: Version | None, why: Refusal | None
) -> None:
    if why is None:
        check_follows(FULL, spot_id, newest)
        return
    with pytest.raises(BundleRefused) as error:
        check_follows(FULL, spot_id, newest)
    assert error.value.why is why


def test_a_bundle_tells_when_it_is_old() -> None:
    assert not FULL.is_old(NOW + timedelta(hours=24))
    assert FULL.is_old(NOW + timedelta(hours=24, seconds=1))


def test_the_days_of_a_bundle_are_read_as_days() -> None:
    assert again(FULL).rules.days[0] == date(2026, 7, 1)
