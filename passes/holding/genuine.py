"""Genuine: a pass that somebody has written into the database is refused, loudly."""

import logging

from passes.base.errors import Conflict
from passes.base.text import Text
from passes.holding.model import Pass

log = logging.getLogger(__name__)


def check_genuine(held: Pass) -> None:
    """Raise `Conflict`, and log an error, for a pass that is not as the system stored it."""
    if is_genuine(held):
        return
    text = Text("此票数据异常，请联系客服", "this pass was not stored by this system; ask staff")
    raise Conflict("pass_not_genuine", text)


def is_genuine(held: Pass) -> bool:
    """Whether a pass is as the system stored it; logs an error if it is not."""
    if not held.genuine:
        log.error("pass %s was made or changed by somebody who can write the database", held.id)
    return held.genuine
