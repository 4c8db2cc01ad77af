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

MOST_CODES = 10
"""How many companion codes an account may say on a day."""

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
        text = Text(
            "今日实名认证次数过多，请明天再试，或持证件请工作人员办理",
            "this account has said too often today who it is; try again tomorrow, or show the "
            "document to staff",
        )
        key = self._accounts.key(visitor)
        if not await self._attempts.begin(key, business_day(now), MOST_OF_ACCOUNT, now):
            raise _until_tomorrow("identity_tries", text, now)

    async def count_code(self, visitor: Visitor, now: datetime) -> None:
        """Count that a visitor says a companion code. Raises `TooOften`."""
        text = Text(
            "今日输入同行码次数过多，请明天再试",
            "this account has said too many companion codes today; try again tomorrow",
        )
        key = f"code:{self._accounts.key(visitor)}"
        if not await self._attempts.begin(key, business_day(now), MOST_CODES, now):
            raise _until_tomorrow("companion_tries", text, now)

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


def _until_tomorrow(code: str, text: Text, now: datetime) -> TooOften:
    """The error that no more is taken on this business day."""
    left = start_of(day_after(business_day(now))) - now
    return TooOften(code, text, int(left.total_seconds()) + 1)
