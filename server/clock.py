"""The clock of the process: the one place where time comes from."""

from collections.abc import Callable
from datetime import UTC, datetime

from passes.base.calendar import to_milliseconds

Clock = Callable[[], datetime]


def now() -> datetime:
    """This instant, aware, in UTC, in whole milliseconds as the database keeps it."""
    return to_milliseconds(datetime.now(UTC))
