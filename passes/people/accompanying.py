"""Accompanying: how an account comes to show somebody else's passes, and how that ends.

Three ways lead there: a guardian says who their child is; a person of 14 or more makes a companion
code in their own account, and the other says it; or staff see the person's document. One insert
under the account and a free slot decides, so an account has five at most.
"""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from passes.base import typed
from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.calendar import business_day
from passes.base.errors import Conflict, Fault, Invalid, Unknown, unknown
from passes.base.ports import Audit
from passes.base.text import Text
from passes.people.companions import (
    CODE_LIFE,
    MOST_COMPANIONS,
    Basis,
    CompanionCode,
    Companionship,
    birthday,
)
from passes.people.consent import ADULT_FROM, GUARDED_BELOW, Consents
from passes.people.holder import Holder
from passes.people.identification import Identification
from passes.people.identity import Identity, IdentityDocument, Sealer, identify
from passes.people.ports import CompanionCodes, Companionships, PassesOfPeople, Visitors
from passes.people.sealing import Vault
from passes.people.tries import Tries
from passes.people.visitors import Visitor, account_erased, person_key

_CODE_DIGITS = 10
_TRIES = 20


class Companions:
    """Tells whom an account shows now."""

    def __init__(self, companionships: Companionships, identities: Sealer) -> None:
        """The first is a store; `identities` opens the date of birth, which is stored nowhere
        else."""
        self._companionships = companionships
        self._identities = identities

    async def standing(self, visitor: Visitor, now: datetime) -> Sequence[Companionship]:
        """The companionships by which a visitor shows others now."""
        kept = await self._companionships.of_visitor(visitor.id)
        return [each for each in kept if self.stands(each, visitor, now)]

    async def named(self, visitor: Visitor, companion_id: str, now: datetime) -> Companionship:
        """The companionship of a visitor with that id. Raises `Unknown` unless it stands."""
        for each in await self.standing(visitor, now):
            if each.id == companion_id:
                return each
        raise unknown(Text("同行人", "companion"), companion_id)

    def stands(self, companionship: Companionship, visitor: Visitor, now: datetime) -> bool:
        """Whether an account may show somebody: nobody has ended it, it is the same person's
        account, and its companion has not grown out of it."""
        same_account = companionship.account_lookup == visitor.lookup
        ends_on = self.ends_on(companionship)
        grown = ends_on is not None and business_day(now) >= ends_on
        return companionship.ended_at is None and same_account and not grown

    def ends_on(self, companionship: Companionship) -> date | None:
        """The birthday from which on it holds no more; None if it rests on no guardian.

        A guardian consents below 14. What staff saw of somebody of 14 to 17 rests on the guardian
        who was there, until the person is an adult.
        """
        if companionship.basis is Basis.CONFIRMED:
            return None
        person = self._identities.open(companionship.person)
        age = person.age_on(business_day(companionship.at))
        for end in (GUARDED_BELOW, ADULT_FROM):
            if age < end:
                return birthday(person, end)
        return None


@dataclass(frozen=True, slots=True)
class NewCode:
    """A companion code, as it is told once, and until when it is good."""

    code: str
    expires_at: datetime


class Accompanying:
    """Begins and ends companionships."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it uses
        self,
        vault: Vault,
        identities: Sealer,
        consents: Consents,
        identification: Identification,
        visitors: Visitors,
        companions: Companions,
        companionships: Companionships,
        codes: CompanionCodes,
        passes: PassesOfPeople,
        tries: Tries,
        audit: Audit,
    ) -> None:
        """The vault hashes codes; `passes` tells what passes a person has, `tries` counts;
        `visitors`, `companionships`, `codes` and `audit` are stores."""
        self._vault = vault
        self._identities = identities
        self._consents = consents
        self._identification = identification
        self._visitors = visitors
        self._companions = companions
        self._companionships = companionships
        self._codes = codes
        self._passes = passes
        self._tries = tries
        self._audit = audit

    async def add_child(
        self, visitor: Visitor, said: IdentityDocument, consent_version: str, now: datetime
    ) -> Companionship:
        """Let a guardian show their child, who is below 14. Doing it again changes nothing.

        Raises `Invalid` naming what is wrong, and `Conflict` if the visitor is no adult by real
        name, if the document is known under another name, or if they have five companions.
        """
        # 1. What is said, by itself.
        self._consents.check_version(consent_version)
        self._check_guardian(visitor, now)
        child = identify(said, business_day(now))
        if child.age_on(business_day(now)) >= GUARDED_BELOW:
            raise _confirms_themselves()
        person = self._identities.seal(child)
        wanted = _drafted(visitor, person, Basis.GUARDIAN, consent_version, now)
        if (same := await self._same(wanted, visitor, now)) is not None:
            return same
        # 2. What stands against it: as when somebody says who they are, for it is the same guess.
        await self._check_room(wanted, visitor, now)
        await self._tries.count(visitor, now)
        await self._identification.check_name(person, visitor, now)
        # 3. Whoever knows a child's name and number can say to be the guardian. So staff look at
        #    the card once. Asked before, for a crash, and after, for a pass issued meanwhile.
        await self._passes.ask_for_card(person.lookup, now)
        added = await self._add(wanted, visitor, f"visitor:{visitor.id}", now)
        await self._passes.ask_for_card(person.lookup, now)
        return added

    async def make_code(self, visitor: Visitor, consent_version: str, now: datetime) -> NewCode:
        """A code by which another account may show this visitor's passes. It takes the place of
        any before. Raises `Invalid`, and `Conflict` if it is not known who they are, or if they
        are below 14, when a guardian has to consent."""
        self._consents.check_version(consent_version)
        if self._known(visitor).age_on(business_day(now)) < GUARDED_BELOW:
            text = Text(
                "未满14周岁须由监护人在其账户中添加",
                f"below {GUARDED_BELOW} years of age a guardian adds you in their own account",
            )
            raise Conflict("guardian_needed", text)
        digits = "".join(secrets.choice("0123456789") for _ in range(_CODE_DIGITS))
        code = CompanionCode(
            visitor_id=visitor.id,
            digest=self._digest(digits),
            lookup=visitor.lookup,
            consent_version=consent_version,
            expires_at=now + CODE_LIFE,
        )
        name = f"visitor:{visitor.id}"
        async with audited(self._audit) as entry:
            await entry.begin(AuditLine(now, name, "companion_code", name))
            await self._codes.put(code)
        return NewCode(digits, code.expires_at)

    async def confirm(self, visitor: Visitor, said: str, now: datetime) -> Companionship:
        """Let a visitor show the person whose companion code they say. The same code said again by
        the same account changes nothing.

        Raises `Invalid` for a code that is not good, `Conflict` as `add_child`.
        """
        # 1. Of whose is the code? Whoever guesses learns nothing but that it was wrong.
        self._known(visitor)
        await self._tries.count_code(visitor, now)
        code = await self._codes.find(self._digest(said))
        if code is None or now >= code.expires_at or code.used_by not in {None, visitor.id}:
            raise _code_invalid()
        giver = await self._visitors.get(code.visitor_id)
        if giver is None or giver.identity is None or giver.lookup != code.lookup:
            raise _code_invalid()
        wanted = _drafted(visitor, giver.identity, Basis.CONFIRMED, code.consent_version, now)
        if code.used_by is not None:
            same = await self._same(wanted, visitor, now)
            if same is None:  # it has been ended since, which the code does not undo
                raise _code_invalid()
            return same
        # 2. The code is used up by one account, unless that has no room.
        await self._check_room(wanted, visitor, now)
        if not await self._codes.use(code, visitor.id):
            raise _code_invalid()
        # 3. The companionship; unless the giver is erased, or somebody else, since step 1.
        added = await self._add(wanted, visitor, f"visitor:{visitor.id}", now)
        giver_now = await self._visitors.get(giver.id)
        if giver_now is None or not giver_now.holder.is_same(giver.identity):
            await self._companionships.remove(added)
            raise _code_invalid()
        return added

    async def show_to_staff(
        self, account: str, identity: Identity, by: str, now: datetime
    ) -> Companionship:
        """Let the account of a person, by the keyed hash of their document, show somebody whose
        document staff have seen.

        Raises `Unknown` if nobody is bound to that document, `Conflict` as `add_child`, and if
        somebody below 18 is shown by who is no adult.
        """
        visitor = await self._account_of(account)
        if identity.age_on(business_day(now)) < ADULT_FROM:
            self._check_guardian(visitor, now)
        person = self._identities.seal(identity)
        names = await self._passes.names(person.lookup)
        if not all(name.is_same(person) for name in names):
            text = Text(
                "该证件的电子票登记为另一姓名，请先解绑更名",
                "passes of this document bear another name; correct it first with `visitors "
                "unbind`",
            )
            raise Conflict("name_differs", text)
        version = self._consents.privacy_version
        wanted = _drafted(visitor, person, Basis.SHOWN, version, now)
        if (same := await self._same(wanted, visitor, now)) is not None:
            return same
        await self._check_room(wanted, visitor, now)
        return await self._add(wanted, visitor, by, now)

    async def end(self, visitor: Visitor, companion_id: str, now: datetime) -> None:
        """Show somebody no more. Raises `Unknown` if the visitor has no such companion."""
        name = f"visitor:{visitor.id}"
        for each in await self._companionships.of_visitor(visitor.id):
            if each.id == companion_id:
                async with audited(self._audit) as entry:
                    await entry.begin(_line(each, "end_companion", name, now))
                    await self._companionships.remove(each)
                return
        raise unknown(Text("同行人", "companion"), companion_id)

    async def _account_of(self, lookup: str) -> Visitor:
        binding = await self._visitors.bound(person_key(Holder(lookup)))
        visitor = None
        if binding is not None:
            visitor = await self._visitors.get(binding.visitor_id)
        if visitor is None or visitor.identity is None or visitor.lookup != lookup:
            text = Text("没有绑定此证件的账户", "no account is bound to this document")
            raise Unknown("person_unknown", text)
        return visitor

    def _known(self, visitor: Visitor) -> Identity:
        """Who a visitor is. Raises `Conflict` if they have not said."""
        if visitor.identity is None:
            text = Text("请先完成实名认证", "say first who you are")
            raise Conflict("real_name_needed", text)
        return self._identities.open(visitor.identity)

    def _check_guardian(self, visitor: Visitor, now: datetime) -> None:
        """Raise `Conflict` unless a visitor is an adult."""
        if self._known(visitor).age_on(business_day(now)) < ADULT_FROM:
            text = Text(
                "监护人须年满18周岁", f"a guardian has to be {ADULT_FROM} years old or more"
            )
            raise Conflict("guardian_too_young", text)

    async def _same(
        self, wanted: Companionship, visitor: Visitor, now: datetime
    ) -> Companionship | None:
        """The companionship that stands already, on the same basis and for the same words."""
        for each in await self._companions.standing(visitor, now):
            same_terms = (each.basis, each.consent_version) == (
                wanted.basis,
                wanted.consent_version,
            )
            if same_terms and each.person.is_same(wanted.person):
                return each
        return None

    async def _check_room(self, wanted: Companionship, visitor: Visitor, now: datetime) -> None:
        """Raise `Conflict` if somebody is the visitor, or one too many."""
        if wanted.person.lookup == visitor.lookup:
            text = Text("不能添加本人", "this is you; your own passes are shown anyway")
            raise Conflict("companion_is_self", text)
        if self._place(wanted, await self._kept(visitor), visitor, now) is None:
            raise _full()

    async def _kept(self, visitor: Visitor) -> Sequence[Companionship]:
        return await self._companionships.of_visitor(visitor.id)

    def _place(
        self,
        wanted: Companionship,
        kept: Sequence[Companionship],
        visitor: Visitor,
        now: datetime,
    ) -> int | Companionship | None:
        """The companionship whose place another takes: of the same person, or one that stands no
        more; else a free slot; None if there is neither."""
        for each in kept:
            if each.person.lookup == wanted.person.lookup:
                return each
        taken = {each.slot for each in kept}
        for slot in range(1, MOST_COMPANIONS + 1):
            if slot not in taken:
                return slot
        for each in kept:
            if not self._companions.stands(each, visitor, now):
                return each
        return None

    async def _add(
        self, wanted: Companionship, visitor: Visitor, by: str, now: datetime
    ) -> Companionship:
        """Store a companionship. Raises `Conflict` if the account has too many, or is erased."""
        async with audited(self._audit) as entry:
            await entry.begin(_line(wanted, "companion", by, now))
            added = await self._stored(wanted, visitor, now)
            # An erasure, or a change of who the account is, that read before has not seen this.
            current = await self._visitors.get(visitor.id)
            if current is None or current.lookup != wanted.account_lookup:
                await self._companionships.remove(added)
                raise account_erased()
        return added

    async def _stored(
        self, wanted: Companionship, visitor: Visitor, now: datetime
    ) -> Companionship:
        for _ in range(_TRIES):
            place = self._place(wanted, await self._kept(visitor), visitor, now)
            if place is None:
                break
            # Of two that take the same place at once one is first; the other looks again.
            if isinstance(place, Companionship):
                added = replace(wanted, slot=place.slot)
                if await self._companionships.replace(place, added):
                    return added
            else:
                added = replace(wanted, slot=place)
                if await self._companionships.add(added):
                    return added
        raise _full()

    def _digest(self, code: str) -> str:
        digits = re.sub(r"\D", "", typed.compact(code))
        return self._vault.digest("companion code", digits)


def _drafted(
    visitor: Visitor, person: Holder, basis: Basis, consent_version: str, now: datetime
) -> Companionship:
    return Companionship(
        id=secrets.token_hex(8),
        visitor_id=visitor.id,
        slot=0,
        account_lookup=visitor.lookup,
        person=person,
        basis=basis,
        consent_version=consent_version,
        at=now,
    )


def _line(companionship: Companionship, action: str, by: str, now: datetime) -> AuditLine:
    detail = {"companion": companionship.id, "basis": companionship.basis.value}
    return AuditLine(now, by, action, f"visitor:{companionship.visitor_id}", detail)


def _code_invalid() -> Invalid:
    text = Text(
        "同行码无效或已过期，请同行人重新生成",
        "this companion code is not valid; let your companion make another",
    )
    return Invalid("companion_code_invalid", text, [Fault("code", "is not valid")])


def _confirms_themselves() -> Invalid:
    text = Text(
        "年满14周岁须由本人确认：请其在自己的账户中生成同行码，或本人持证件到售票窗口办理",
        f"from {GUARDED_BELOW} years of age on they agree themselves: by a companion code of their "
        "own account, or at a ticket window with their document",
    )
    fault = Fault("child", f"is {GUARDED_BELOW} or more")
    return Invalid("companion_not_a_child", text, [fault])


def _full() -> Conflict:
    text = Text(
        f"最多添加{MOST_COMPANIONS}位同行人，请先移除一位",
        f"an account shows {MOST_COMPANIONS} others at most; remove one first",
    )
    return Conflict("companions_full", text)
