"""Lets somebody else act between two steps, at exactly the place where it matters.

Races at random find what nobody thought of; these provoke what somebody did.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

ALWAYS = 1_000_000


def overtake(
    monkeypatch: pytest.MonkeyPatch,
    store: object,
    method: str,
    by: Callable[[], Awaitable[object]],
    times: int = 1,
) -> None:
    """Just before a method of a store does its work, let something else happen.

    It happens the first `times` that the method is called.
    """
    original = getattr(store, method)
    left = times

    async def overtaken(*arguments: Any, **options: Any) -> Any:
        nonlocal left
        if left > 0:
            left -= 1
            await by()
        return await original(*arguments, **options)

    monkeypatch.setattr(store, method, overtaken)
