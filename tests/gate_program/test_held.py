"""What the gate remembers beside its bundle: each visit counts once, whoever tells of it."""

from datetime import timedelta

import pytest

from passes.admission.offline.alone import Known
from passes.admission.offline.bundle import encode, sign
from passes.admission.offline.flat import State
from scripts.gate.enrolment import Enrolment
from scripts.gate.held import Held, known_of, known_to
from scripts.gate.journal import Entry, Name
from tests.support.build import EMEISHAN, NOW, SERIAL
from tests.support.bundles import BUNDLE_KEY, bundle
from tests.support.gate_programs import PUBLIC

GATE = "emeishan-7qx2"
MADE = NOW + timedelta(hours=1)


async def held_at(last_at: timedelta | None) -> Held:
    """A bundle of `MADE`, in which the pass came in so long before."""
    held = Held(Enrolment(GATE, "turnstile", {"id": EMEISHAN}, "token", None, (PUBLIC,)))
    states = {}
    if last_at is not None:
        states[SERIAL] = State(visits=1, here=1, last_at=MADE - last_at)
    made = bundle(made_at=MADE, hours={"2026-07-01T10": states})
    await held._take(encode(sign(made, BUNDLE_KEY)), {})
    return held


SECONDS = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("settled", "in_bundle", "counts"),
    [
        (None, None, True),
        (None, 10 * SECONDS, True),
        (-1 * SECONDS, None, True),
        (120 * SECONDS, None, False),
        (120 * SECONDS, 120 * SECONDS, False),
        (10 * SECONDS, None, True),
        (10 * SECONDS, 900 * SECONDS, True),
        (10 * SECONDS, 10 * SECONDS, False),
        (10 * SECONDS, 11 * SECONDS, False),
    ],
    ids=str,
)
async def test_a_visit_counts_until_a_bundle_holds_it(
    settled: timedelta | None, in_bundle: timedelta | None, counts: bool
) -> None:
    """`settled` is how long before the bundle was made the server knew of the visit."""
    held = await held_at(in_bundle)
    at = MADE - (settled or 10 * SECONDS)
    known = Known(serial=SERIAL, at=at, gate_id=GATE)
    settled_at = None if settled is None else MADE - settled
    entry = Entry(Name(GATE, "n1"), known_to(known), settled_at)
    assert held._has(entry) is not counts


def test_what_is_known_survives_the_journal() -> None:
    known = Known(SERIAL, NOW, people=2, room=3, payers=1, paid=1, step=7, gate_id=GATE, party=2)
    assert known_of(known_to(known)) == known
