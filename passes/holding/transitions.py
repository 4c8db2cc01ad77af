"""Transitions: every way in which a pass changes, as pure functions from one pass to the next.

A transition that has been made already gives the very same object back, so that doing it again
changes nothing. One that does not lead on from the state of the pass raises `Conflict`. What is
stored, and who is told, is not its business: see `passes.holding.change` and
docs/pass-lifecycle.md.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta

from passes.base.calendar import business_day
from passes.base.errors import Conflict
from passes.base.text import Text
from passes.holding.model import Misuse, Pass, PassState, Sale
from passes.people.holder import NOBODY, Holder

LIVING = frozenset({PassState.ISSUED, PassState.ACTIVE, PassState.FROZEN})
"""The states that an operator can end."""

FROZEN_FOR_MISUSE = "service:not_the_holder"
"""Who freezes a pass that others have shown too often, as in the audit log."""

_IN_FORCE = frozenset({PassState.ISSUED, PassState.ACTIVE})


def activate(held: Pass, now: datetime) -> Pass:
    """Its days begin today, or on the later day that was agreed when it was sold.

    Too late for a pass that has begun by itself, or lapsed.
    """
    if held.state is PassState.ACTIVE and held.activated_at is not None:
        return held
    today = business_day(now)
    if held.state_on(today) is not PassState.ISSUED:
        raise not_possible(held, now, "activated")
    term = held.terms.term
    valid = term.begun_on(today)
    if held.not_before is not None and held.not_before > valid.start:
        valid = term.usable_from(held.not_before)
    return replace(held, state=PassState.ACTIVE, valid=valid, activated_at=now)


def freeze(held: Pass, by: str, now: datetime) -> Pass:
    """It admits nowhere until it is unfrozen. An operator takes over what its holder has frozen."""
    if held.state is PassState.FROZEN:
        taken_over = is_holder(held.frozen_by) and not is_holder(by)
        return replace(held, frozen_by=by) if taken_over else held
    if held.state not in _IN_FORCE:
        raise not_possible(held, now, "frozen")
    today = business_day(now)
    return replace(held, state=PassState.FROZEN, frozen_by=by, frozen_on=today)


def unfreeze(held: Pass, by: str, now: datetime) -> Pass:
    """It admits again. What an operator has frozen, only an operator unfreezes."""
    if held.state in _IN_FORCE:
        return held
    if held.state is not PassState.FROZEN:
        raise not_possible(held, now, "unfrozen")
    if is_holder(by):
        check_not_frozen_by_staff(held)
    return _resumed(held, business_day(now))


def frozen_by_staff(held: Pass) -> bool:
    """Whether an operator has frozen a pass, or taken over what its holder had frozen."""
    return held.state is PassState.FROZEN and not is_holder(held.frozen_by)


def check_not_frozen_by_staff(held: Pass) -> None:
    """Raise `Conflict` for a pass that staff have frozen: its holder cannot get around that."""
    if frozen_by_staff(held):
        text = Text(
            "此票由工作人员冻结，请联系客服",
            "this pass was frozen by staff, who alone can unfreeze it",
        )
        raise Conflict("frozen_by_staff", text)


def mark(held: Pass, misuse: Misuse, most: int) -> Pass:
    """Somebody else has shown it. In force, it freezes when that has been so `most` times."""
    if is_marked(held, misuse):
        return held
    marked = replace(held, misuses=(*held.misuses, misuse))
    if held.state in _IN_FORCE and len(marked.misuses) >= most:
        return freeze(marked, FROZEN_FOR_MISUSE, misuse.at)
    return marked


def is_marked(held: Pass, misuse: Misuse) -> bool:
    """Whether that decision of staff has marked it already."""
    return any(
        (each.gate_id, each.nonce) == (misuse.gate_id, misuse.nonce) for each in held.misuses
    )


def _resumed(held: Pass, today: date) -> Pass:
    """In force again. Where its terms allow a pause, it ends later by the days it was frozen."""
    pause = held.pause_on(today)
    end = held.valid.end + timedelta(days=pause)
    return replace(
        held,
        state=held.state_in_force,
        valid=replace(held.valid, end=end),
        frozen_by=None,
        frozen_on=None,
        paused_days=held.paused_days + pause,
        misuses=() if held.frozen_by == FROZEN_FOR_MISUSE else held.misuses,
    )


def revoke(held: Pass, now: datetime) -> Pass:
    """It admits nowhere any more, unless it is restored."""
    if held.state is PassState.REVOKED:
        return held
    if held.state not in LIVING:
        raise not_possible(held, now, "revoked")
    return replace(held, state=PassState.REVOKED)


def rescind(held: Pass, sale: Sale, now: datetime) -> Pass:
    """Its holder gives it back, because a spot that was sold with it leaves. `sale` says what is
    due."""
    if held.state is PassState.REFUNDED:
        return held
    if held.state not in LIVING or not held.in_force_on(business_day(now)):
        raise not_possible(held, now, "given back")
    if not held.loses:
        text = Text(
            "没有景区退出此票，不能退票", "no spot leaves this pass, so it is not given back"
        )
        raise Conflict("no_spot_withdrawn", text)
    if not held.counts_time:
        text = Text("此票按次计费，不能按天退票", "this pass is no time card: it counts visits")
        raise Conflict("no_time_card", text)
    return replace(held, state=PassState.REFUNDED, sale=sale)


def restore(held: Pass, now: datetime) -> Pass:
    """It is what it was before staff revoked it. Not what goes on under another serial, was given
    back by its holder, or is nobody's any more."""
    if held.state in LIVING:
        return held
    ended = held.reissued_as is not None or held.cancelled_at is not None
    if held.state is not PassState.REVOKED or ended or held.holder == NOBODY:
        raise not_possible(held, now, "restored")
    before = held.state_in_force if held.frozen_by is None else PassState.FROZEN
    return replace(held, state=before)


def supersede(held: Pass, successor_id: str) -> Pass:
    """It is revoked, because another pass takes its place; it names that pass from now on."""
    if held.reissued_as is not None:
        return held
    if held.state not in LIVING:
        raise _not_possible_in(held.state, "reissued")
    return replace(held, state=PassState.REVOKED, reissued_as=successor_id)


def successor(old: Pass, successor_id: str, now: datetime) -> Pass:
    """The pass that takes the place of one that was reissued: in force, also if that was frozen."""
    return replace(
        _resumed(old, business_day(now)),
        id=successor_id,
        revision=0,
        reissued_as=None,
        reissued_from=old.id,
        refusals=(),
        ledger_mark=0,
    )


def give_back(voucher: Pass, now: datetime) -> Pass:
    """A voucher is its holder's no more, whatever its state; but not once it was reissued."""
    if voucher.cancelled_at is not None:
        return voucher
    if voucher.reissued_as is not None:
        raise not_cancellable(voucher, now)
    return replace(voucher, state=PassState.REVOKED, cancelled_at=now)


def give_to(held: Pass, holder: Holder) -> Pass:
    """It belongs to somebody else, or to the same person under another name, or to nobody."""
    return held if held.holder == holder else replace(held, holder=holder)


def forget_holder(held: Pass) -> Pass:
    """It belongs to nobody. The days on which they came into another age band tell a birthday, so
    they go, too."""
    if held.holder == NOBODY and not held.traits.turns:
        return held
    return replace(held, holder=NOBODY, traits=replace(held.traits, turns=(), turns_until=None))


def ask_for_card(held: Pass, since: datetime) -> Pass:
    """Staff look at the holder's card at the next admission, if they have not since then."""
    if held.card_due_since is not None and held.card_due_since >= since:
        return held
    return replace(held, card_due_since=since)


def card_seen(held: Pass, seen_at: datetime) -> Pass:
    """Staff have looked at the holder's card. It stays due if an account was bound after that."""
    if held.card_due_since is None or held.card_due_since > seen_at:
        return held
    return replace(held, card_due_since=None)


def is_holder(by: str | None) -> bool:
    """Whether somebody who stands in the audit log is a visitor."""
    return by is not None and by.startswith("visitor:")


def not_possible(held: Pass, now: datetime, done: str) -> Conflict:
    """The error that a pass cannot be `done`: activated, frozen, unfrozen, revoked."""
    return _not_possible_in(held.state_on(business_day(now)), done)


def _not_possible_in(state: PassState, done: str) -> Conflict:
    text = Text(
        f"此票{_STATES[state]}，不能{_STEPS[done]}",
        f"a pass that is {state.value} cannot be {done}",
    )
    return Conflict("pass_state", text)


_STATES = {
    PassState.RESERVED: "正在出票",
    PassState.ISSUED: "尚未激活",
    PassState.ACTIVE: "已生效",
    PassState.FROZEN: "已冻结",
    PassState.REVOKED: "已作废",
    PassState.REFUNDED: "已退款",
    PassState.EXPIRED: "已过期",
}
_STEPS = {
    "activated": "激活",
    "frozen": "冻结",
    "unfrozen": "解冻",
    "revoked": "作废",
    "restored": "恢复",
    "reissued": "补发",
    "given back": "退票",
}
"""What is done to a pass, in English, and in Chinese."""


def not_cancellable(held: Pass, now: datetime) -> Conflict:
    """The error that a pass cannot be given back, with the reason and what to do instead."""
    return Conflict("not_cancellable", _why_not_cancellable(held, now))


def _why_not_cancellable(held: Pass, now: datetime) -> Text:
    if not held.voucher:
        return Text(
            "此票不是活动券，不能在此退还，请联系售票处",
            "only vouchers of an offer are given back here; for this pass ask where it was bought",
        )
    if held.reissued_as is not None:
        return Text("此券已补发，请退还新券", "this voucher was reissued: give the new one back")
    if held.state is PassState.FROZEN:
        return Text("此券已冻结，请先解冻再退还", "this voucher is frozen: unfreeze it first")
    if not held.in_force_on(business_day(now)):
        return Text("此券已失效，无需退还", "this voucher is over: there is nothing to give back")
    return Text("此券已使用，不能退还", "this voucher has been used and cannot be given back")
