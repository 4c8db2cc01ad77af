"""What a scan is answered, in the words of the API: the same document as the server's `VerdictOut`,
with what a gate cannot know left open. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from passes.admission.offline.alone import Decided


def answer_of(
    decided: Decided, about: Mapping[str, Any] | None, body: Mapping[str, Any], at: datetime
) -> dict[str, Any]:
    """The answer; `about` is what is known of the pass. The holder is not: nobody carries names to
    gates, so staff compare the card with the visitor alone."""
    verdict = decided.verdict
    scanned_at = datetime.fromisoformat(body["scanned_at"])
    granted = "paid" if verdict.paying else "admitted"
    until = verdict.admitted_from
    return {
        "verdict": granted if verdict.granted else "refused",
        "reason": verdict.reason.value,
        "message": {"zh": verdict.message.zh, "en": verdict.message.en},
        "speak": verdict.speak,
        "admits": verdict.admits,
        "category": verdict.category,
        "free": dict(verdict.free),
        "pays": verdict.pays,
        "amount_fen": verdict.amount_fen,
        "pass": about,
        "visits_left": verdict.visits_left,
        "admitted_from": None if until is None else until.isoformat(),
        "check_identity": verdict.check_identity,
        "nonce": body["nonce"],
        "decided_at": verdict.decided_at.isoformat(),
        "skew_ms": round((scanned_at - at) / timedelta(milliseconds=1)),
    }
