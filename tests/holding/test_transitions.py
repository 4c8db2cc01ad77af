"""Transitions: made again they change nothing, and none leads out of where a pass has ended."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from passes.base.errors import Conflict
from passes.holding import transitions
from passes.holding.model import Pass, PassState
from passes.people.holder import NOBODY
from tests.support import build
from tests.support.build import NOW, TODAY

WAITING = build.held(state=PassState.ISSUED, activate_by=TODAY + timedelta(days=9))
VOUCHER = build.held(edition=build.published(build.offer().voucher()))
OF_HOLDER, OF_STAFF = "visitor:v", "operator:test"

TRANSITIONS: dict[str, tuple[Pass, Callable[[Pass], Pass]]] = {
    "activate": (WAITING, lambda held: transitions.activate(held, NOW)),
    "freeze": (build.held(), lambda held: transitions.freeze(held, OF_HOLDER, NOW)),
    "freeze as staff": (build.held(), lambda held: transitions.freeze(held, OF_STAFF, NOW)),
    "unfreeze": (
        build.held(state=PassState.FROZEN, frozen_by=OF_HOLDER),
        lambda held: transitions.unfreeze(held, OF_HOLDER, NOW),
    ),
    "revoke": (build.held(), lambda held: transitions.revoke(held, NOW)),
    "supersede": (build.held(), lambda held: transitions.supersede(held, "b" * 16)),
    "give back": (VOUCHER, lambda held: transitions.give_back(held, NOW)),
    "give to nobody": (build.held(), lambda held: transitions.give_to(held, NOBODY)),
}


@pytest.mark.parametrize(("before", "transition"), TRANSITIONS.values(), ids=TRANSITIONS.keys())
def test_a_transition_made_again_gives_the_very_same_pass(
    before: Pass, transition: Callable[[Pass], Pass]
) -> None:
    after = transition(before)
    assert after != before
    assert transition(after) is after


def test_staff_take_over_what_a_holder_has_frozen_and_not_the_other_way_round() -> None:
    frozen = transitions.freeze(build.held(), OF_HOLDER, NOW)
    taken_over = transitions.freeze(frozen, OF_STAFF, NOW)
    assert taken_over.frozen_by == OF_STAFF
    assert transitions.freeze(taken_over, OF_HOLDER, NOW) is taken_over


def test_a_voucher_that_was_reissued_is_not_given_back_under_its_old_serial() -> None:
    old = transitions.supersede(VOUCHER, "b" * 16)
    with pytest.raises(Conflict, match="give the new one back"):
        transitions.give_back(old, NOW)


@pytest.mark.parametrize(
    ("held", "says"),
    [
        (build.held(), "only vouchers of an offer are given back here"),
        (replace(VOUCHER, state=PassState.FROZEN), "unfreeze it first"),
        (replace(VOUCHER, state=PassState.REVOKED), "nothing to give back"),
        (replace(VOUCHER, reissued_as="b" * 16), "give the new one back"),
        (VOUCHER, "has been used"),
    ],
    ids=["an annual pass", "frozen", "over", "reissued", "used"],
)
def test_why_a_pass_cannot_be_given_back_is_told_by_its_cause(held: Pass, says: str) -> None:
    """An unused annual pass was told that only unused vouchers in force can be given back."""
    error = transitions.not_cancellable(held, NOW)
    assert error.code == "not_cancellable"
    assert says in error.text.en


def test_a_step_that_is_not_possible_tells_the_state_in_both_languages() -> None:
    with pytest.raises(Conflict) as refused:
        transitions.freeze(build.held(state=PassState.REVOKED), OF_HOLDER, NOW)
    assert refused.value.text.zh == "此票已作废，不能冻结"
    assert refused.value.text.en == "a pass that is revoked cannot be frozen"
