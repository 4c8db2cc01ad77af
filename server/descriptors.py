"""Descriptors: how many files and sockets the system lets this process open (RLIMIT_NOFILE)."""

import logging
import resource

log = logging.getLogger(__name__)

RESERVE = 256
"""What is kept for all but the connections of callers: those of the database, of which a driver may
open 100, to WeChat, files, pipes."""


def raise_limit() -> None:
    """Let this process, and those that it starts, open as many as they may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as error:  # macOS allows fewer than its hard limit says
        log.warning("at most %d open files: the limit cannot be raised: %s", soft, error)


def room_for_connections(wanted: int) -> int:
    """How many connections there is room for: those wanted, or what the limit leaves beside the
    reserve; of a low limit half."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(wanted, max(soft - RESERVE, soft // 2))
