"""Finding: operators find the passes of whoever calls, by what they say of themselves.

Every search leaves audit lines before it answers: about the operator, and about each pass that is
shown. What was searched for is stored nowhere.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from passes.base.audit import AuditLine
from passes.base.calendar import business_day
from passes.base.errors import Invalid
from passes.base.ports import Audit
from passes.base.text import Text
from passes.holding.model import Pass, PassState
from passes.holding.ports import Passes
from passes.holding.wallet import Wallet
from passes.people import names
from passes.people.groups import Group
from passes.people.identity import Sealer
from passes.people.ports import Members
from passes.people.visitors import Visitor

_HOLDERS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Search:
    """What is known of a pass; at least one of the first four.

    `lookup` is the keyed hash of a document, `accounts` are those with a phone number. At most so
    many passes are shown.
    """

    lookup: str | None = None
    accounts: Sequence[Visitor] | None = None
    name: str | None = None
    group: Group | None = None
    product_id: str | None = None
    state: PassState | None = None
    most: int = 100

    @property
    def names_nobody(self) -> bool:
        """Whether all of a group, or nobody, is asked for."""
        return self.lookup is None and self.accounts is None and self.name is None


@dataclass(frozen=True, slots=True)
class Match:
    """A pass that was found. `bears_name` tells whether its holder has the name that was searched
    for, None if none was; without the document everybody found has it."""

    held: Pass
    bears_name: bool | None


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, newest first; `more` if there are more passes than are shown."""

    matches: Sequence[Match]
    more: bool


class Finding:
    """Finds passes by what people say of themselves."""

    def __init__(
        self, sealer: Sealer, passes: Passes, members: Members, wallet: Wallet, audit: Audit
    ) -> None:
        """`sealer` hashes names, `wallet` tells the passes of accounts; the others are stores."""
        self._sealer = sealer
        self._passes = passes
        self._members = members
        self._wallet = wallet
        self._audit = audit

    async def find(self, asked: Search, by: str, now: datetime) -> Found:
        """The passes that fit everything that is asked for. Raises `Invalid` for a name that cannot
        be one, and if nothing is said of the holder.

        A document is believed more than a name: its passes are shown under whatever name they were
        issued, and the match says so.
        """
        name = None if asked.name is None else _checked(asked.name)
        matches: list[Match] = []
        async for held in self._candidates(asked, name):
            match = Match(held, None if name is None else self._sealer.bears(held.holder, name))
            if await self._fits(match, asked, business_day(now)):
                matches.append(match)
            if len(matches) > asked.most:
                break
        shown = sorted(matches[: asked.most], key=lambda each: each.held.issued_at, reverse=True)
        detail = {"by": _means(asked), "found": str(len(shown))}
        await self._audit.write(AuditLine(now, by, "find", by, detail))
        for match in shown:
            await self._audit.write(AuditLine(now, by, "find", f"pass:{match.held.id}"))
        return Found(shown, more=len(matches) > asked.most)

    async def _candidates(self, asked: Search, name: str | None) -> AsyncIterator[Pass]:
        """The passes that may fit, by the narrowest of what is asked for."""
        if asked.group is not None and asked.names_nobody:
            async for held in self._of_group(asked.group):
                yield held
            return
        for held in await self._of_somebody(asked, name):
            yield held

    async def _of_somebody(self, asked: Search, name: str | None) -> Sequence[Pass]:
        if asked.lookup is not None:
            return await self._passes.of_holder(asked.lookup)
        if asked.accounts is not None:
            of_accounts = [await self._wallet.of_visitor(each) for each in asked.accounts]
            return [held for some in of_accounts for held in some]
        if name is not None:
            return await self._passes.of_name_bucket(self._sealer.name_bucket(name))
        text = Text(
            "请给出姓名、证件号、手机号或工会",
            "say a name, the number of a document, a phone number or a union",
        )
        raise Invalid("nothing_asked", text)

    async def _of_group(self, group: Group) -> AsyncIterator[Pass]:
        members = [lookup async for lookup in self._members.of_group(group)]
        for start in range(0, len(members), _HOLDERS_AT_ONCE):
            for held in await self._passes.of_holders(members[start : start + _HOLDERS_AT_ONCE]):
                yield held

    async def _fits(self, match: Match, asked: Search, today: date) -> bool:
        held = match.held
        if asked.product_id not in {None, held.product_id}:
            return False
        if asked.state not in {None, held.state_on(today)}:
            return False
        if asked.lookup is None and match.bears_name is False:
            return False
        if asked.group is None or asked.names_nobody:
            return True
        return asked.group in await self._members.groups_of(held.holder.lookup)


def _checked(name: str) -> str:
    """A name in one form. Raises `Invalid`."""
    one = names.one_form(name)
    faults = names.wrong_with(one)
    if faults:
        raise Invalid("identity_invalid", Text("姓名有误", "the name is wrong"), faults)
    return one


def _means(asked: Search) -> str:
    """By what was searched, without saying for whom."""
    means = {
        "document": asked.lookup,
        "phone": asked.accounts,
        "name": asked.name,
        "union": asked.group,
    }
    return ", ".join(name for name, value in means.items() if value is not None)
