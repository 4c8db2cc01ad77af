"""Tries: how often an account may say who it is, and how often a name may be guessed, on a day.

Whoever says a name and a number learns from a refusal that the number is known here, and from none
that the name is right. Honest people say both once, or a few times until no digit is wrong. So both
are counted, by account and by document (docs/adr/0024-cards-are-looked-at-once.md).
"""

from collections.abc import Iterable
from datetime import datetime

from passes.base.calendar import business_day, day_after, start_of
from passes.base.errors import TooOften
from passes.base.text import Text
from passes.people.accounts import Accounts
from passes.people.holder import Holder
from passes.people.ports import Attempts
from passes.people.visitors import Visitor

MOST_OF_ACCOUNT = 10
"""How often an account may say to be somebody else than before on a day."""

MOST_WRONG_NAMES = 20
"""How many wrong names can be tried for one document on a day, by whatever accounts."""


class Tries:
    """Counts what is said about names and numbers."""

    def __init__(self, accounts: Accounts, attempts: Attempts) -> None:
        """`attempts` is a store."""
        self._accounts = accounts
        self._attempts = attempts

    async def count(self, visitor: Visitor, now: datetime) -> None:
        """Count that a visitor says who they are. Raises `TooOften`.

        It is counted by WeChat account, which is the same after it was erased here.
        """
        today = business_day(now)
        key = self._accounts.key(visitor)
        if await self._attempts.begin(key, today, MOST_OF_ACCOUNT, now):
            return
        text = Text(
            "今日实名认证次数过多，请明天再试，或持证件请工作人员办理",
            "this account has said too often today who it is; try again tomorrow, or show the "
            "document to staff",
        )
        until_tomorrow = start_of(day_after(today)) - now
        raise TooOften("identity_tries", text, int(until_tomorrow.total_seconds()) + 1)

    async def fits(self, person: Holder, names: Iterable[Holder], now: datetime) -> bool:
        """Whether a person has the name under which their document is known here.

        After so many wrong names it is answered as if the right one were wrong as well, until the
        next day, or until staff have seen the document.
        """
        names, today = list(names), business_day(now)
        if not names:
            return True
        if not await self._attempts.begin(person.lookup, today, MOST_WRONG_NAMES, now):
            return False
        right = all(name.is_same(person) for name in names)
        if right:
            await self._attempts.succeeded(person.lookup, today)
        return right

    async def forget(self, person: Holder, now: datetime) -> None:
        """Staff have seen the document: the wrong names of today do not count."""
        await self._attempts.forget(person.lookup, business_day(now))
