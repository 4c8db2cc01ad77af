"""People: visitors, what they are bound to, their sessions and groups, and the tokens of WeChat."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date, datetime

from passes.people.app_tokens import AppToken
from passes.people.barring import Bar, Bars
from passes.people.companions import MOST_COMPANIONS, CompanionCode, Companionship
from passes.people.groups import Group
from passes.people.holder import Holder
from passes.people.identity import Sealer
from passes.people.ports import (
    AppTokens,
    Attempts,
    CompanionCodes,
    Companionships,
    Members,
    Sessions,
    Visitors,
)
from passes.people.sealing import Sealed
from passes.people.sessions import ACCESS_TOKENS_END
from passes.people.visitors import Binding, Consent, Notice, Phone, Session, Visitor
from passes.store.binding import bound, companion_place, guardian_place, identity_place
from passes.store.database import Database, Document
from passes.store.documents import (
    encode,
    keyed,
    to_bar,
    to_companion_code,
    to_companionship,
    to_session,
    to_visitor,
)


class MemberStore(Members):
    """The `members` collection."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._members = database.collection("members")

    async def groups_of(self, lookup: str) -> frozenset[Group]:
        return frozenset(
            Group(document["group"]) for document in await self._members.find({"lookup": lookup})
        )

    async def of_group(self, group: Group) -> AsyncIterator[str]:
        async for document in self._members.each({"group": group}):
            yield document["lookup"]

    async def add(self, lookup: str, group: Group) -> bool:
        return await self._members.insert(
            {"_id": f"{group}:{lookup}", "lookup": lookup, "group": group}
        )

    async def remove(self, lookup: str, group: Group) -> None:
        await self._members.delete({"_id": f"{group}:{lookup}"})


class BarStore(Bars):
    """The `bars` collection; `_id` is the keyed hash of a document. A bar is dropped at its end."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._bars = database.collection("bars")

    async def get(self, lookup: str) -> Bar | None:
        document = await self._bars.get({"_id": lookup})
        return to_bar(document) if document else None

    async def put(self, bar: Bar) -> None:
        document = keyed(bar)
        if not await self._bars.insert(document):
            await self._bars.update({"_id": document.pop("_id")}, {"$set": document})

    async def remove(self, lookup: str) -> None:
        await self._bars.delete({"_id": lookup})

    async def all(self) -> Sequence[Bar]:
        return [to_bar(document) for document in await self._bars.find({}, [("until", 1)])]


class AttemptStore(Attempts):
    """The `name_attempts` collection; `_id` is a document or an account, and a business day."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._attempts = database.collection("name_attempts")

    async def begin(self, what: str, day: date, most: int, now: datetime) -> bool:
        key = f"{what}:{day}"
        below: Document = {"_id": key, "count": {"$lt": most}}
        one_more = {"$inc": {"count": 1}}
        if await self._attempts.update(below, one_more):
            return True
        if await self._attempts.insert({"_id": key, "count": 1, "at": now}):
            return True
        return await self._attempts.update(below, one_more)

    async def forget(self, what: str, day: date) -> None:
        await self._attempts.delete({"_id": f"{what}:{day}"})

    async def succeeded(self, what: str, day: date) -> None:
        at_least_one = {"_id": f"{what}:{day}", "count": {"$gt": 0}}
        await self._attempts.update(at_least_one, {"$inc": {"count": -1}})


class VisitorStore(Visitors):
    """The `users` collection, and `bindings`, whose unique `_id` is what can be bound only once."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        """Two collections of the database are used; `sealer` binds people to the accounts."""
        self._sealer = sealer
        self._users = database.collection("users")
        self._bindings = database.collection("bindings")

    async def get(self, visitor_id: str) -> Visitor | None:
        document = await self._users.get({"_id": visitor_id})
        return to_visitor(document) if document else None

    async def of_phone(self, lookup: str) -> Sequence[Visitor]:
        return [to_visitor(each) for each in await self._users.find({"phone.lookup": lookup})]

    async def add(self, visitor: Visitor) -> None:
        await self._users.insert(keyed(visitor))

    async def identify(
        self, visitor_id: str, before: str | None, identity: Holder | None, consent: Consent | None
    ) -> bool:
        if identity is not None:
            identity = bound(self._sealer, identity, identity_place(visitor_id))
        if consent is not None and consent.guardian is not None:
            guardian = bound(self._sealer, consent.guardian, guardian_place(visitor_id))
            consent = replace(consent, guardian=guardian)
        change = {"identity": encode(identity), "consent": encode(consent)}
        return await self._users.update(
            {"_id": visitor_id, "identity.lookup": before}, {"$set": change}
        )

    async def notice(self, visitor_id: str, notice: Notice) -> None:
        await self._users.update({"_id": visitor_id}, {"$set": {"notice": encode(notice)}})

    async def set_phone(self, visitor_id: str, phone: Phone | None) -> None:
        await self._users.update({"_id": visitor_id}, {"$set": {"phone": encode(phone)}})

    async def end_tokens(self, visitor: Visitor, session_id: str, until: datetime) -> None:
        change: Document = {"$set": {f"ended_sessions.{session_id}": until}}
        over = {
            f"ended_sessions.{ended}": ""
            for ended, good_until in visitor.ended_sessions.items()
            if good_until < until - ACCESS_TOKENS_END
        }
        if over:
            change["$unset"] = over
        await self._users.update({"_id": visitor.id}, change)

    async def withdraw_tokens(self, visitor_id: str) -> None:
        await self._users.update({"_id": visitor_id}, {"$inc": {"token_version": 1}})

    async def erase(self, visitor_id: str) -> None:
        await self._users.delete({"_id": visitor_id})

    async def bound(self, key: str) -> Binding | None:
        found = await self._bindings.get({"_id": key})
        return Binding(found["visitor_id"], found["at"]) if found else None

    async def bind(self, key: str, wanted: Binding) -> Binding:
        if await self._bindings.insert({"_id": key, **encode(wanted)}):
            return wanted
        return await self.bound(key) or await self.bind(key, wanted)

    async def rebind(self, key: str, before: Binding, after: Binding) -> bool:
        return await self._bindings.update({"_id": key, **encode(before)}, {"$set": encode(after)})

    async def unbind(self, key: str, visitor_id: str) -> None:
        await self._bindings.delete({"_id": key, "visitor_id": visitor_id})


class CompanionshipStore(Companionships):
    """The `companions` collection; `_id` is an account and a slot, so that it has so many."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        """One collection of the database is used; `sealer` binds people to their documents."""
        self._sealer = sealer
        self._companions = database.collection("companions")

    async def of_visitor(self, visitor_id: str) -> Sequence[Companionship]:
        found = await self._companions.find(_of_account(visitor_id))
        return sorted(map(to_companionship, found), key=lambda each: each.slot)

    async def of_person(self, lookup: str) -> Sequence[Companionship]:
        found = await self._companions.find({"person.lookup": lookup})
        return sorted(map(to_companionship, found), key=lambda each: each.at)

    async def add(self, companionship: Companionship) -> bool:
        return await self._companions.insert(
            {"_id": _key(companionship), **self._encoded(companionship)}
        )

    async def replace(self, before: Companionship, after: Companionship) -> bool:
        return await self._companions.update(_still(before), {"$set": self._encoded(after)})

    async def end(self, companionship: Companionship, at: datetime) -> bool:
        still = {**_still(companionship), "ended_at": None}
        return await self._companions.update(still, {"$set": {"ended_at": at}})

    async def remove(self, companionship: Companionship) -> None:
        await self._companions.delete(_still(companionship))

    async def forget_visitor(self, visitor_id: str) -> None:
        await self._companions.delete(_of_account(visitor_id))

    async def forget_agreed(self, visitor_id: str, lookup: str) -> None:
        await self._companions.delete({**_of_account(visitor_id), "account_lookup": lookup})

    async def forget_person(self, lookup: str) -> None:
        await self._companions.delete({"person.lookup": lookup})

    def _encoded(self, companionship: Companionship) -> Document:
        place = companion_place(_key(companionship))
        person = bound(self._sealer, companionship.person, place)
        encoded: Document = encode(replace(companionship, person=person))
        return encoded


def _key(companionship: Companionship) -> str:
    return f"{companionship.visitor_id}:{companionship.slot}"


def _still(companionship: Companionship) -> Document:
    """What finds the document of a companionship, unless another has taken its place."""
    return {"_id": _key(companionship), "id": companionship.id}


def _of_account(visitor_id: str) -> Document:
    slots = range(1, MOST_COMPANIONS + 1)
    return {"_id": {"$in": [f"{visitor_id}:{slot}" for slot in slots]}}


class CompanionCodeStore(CompanionCodes):
    """The `companion_codes` collection; `_id` is the account of who made it."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._codes = database.collection("companion_codes")

    async def put(self, code: CompanionCode) -> None:
        stored: Document = encode(code)
        where = {"_id": stored.pop("visitor_id")}
        if not await self._codes.insert({**where, **stored}):
            await self._codes.update(where, {"$set": stored}, upsert=True)

    async def find(self, digest: str) -> CompanionCode | None:
        document = await self._codes.get({"digest": digest})
        return to_companion_code(document) if document else None

    async def use(self, code: CompanionCode, visitor_id: str) -> bool:
        unused = {"_id": code.visitor_id, "digest": code.digest, "used_by": None}
        return await self._codes.update(unused, {"$set": {"used_by": visitor_id}})

    async def forget(self, visitor_id: str) -> None:
        await self._codes.delete({"_id": visitor_id})


class SessionStore(Sessions):
    """The `sessions` collection; a document is dropped when its session ends."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._sessions = database.collection("sessions")

    async def add(self, session: Session) -> None:
        await self._sessions.insert(keyed(session))

    async def get(self, session_id: str) -> Session | None:
        document = await self._sessions.get({"_id": session_id})
        return to_session(document) if document else None

    async def of_visitor(self, visitor_id: str) -> Sequence[Session]:
        found = map(
            to_session, await self._sessions.find({"visitor_id": visitor_id})
        )  # a few: sorted here
        return sorted(found, key=lambda session: session.begun_at)

    async def renew(self, session: Session) -> bool:
        before = {"_id": session.id, "generation": session.generation - 1}
        change = {
            "generation": session.generation,
            "renewed_at": session.renewed_at,
            "ends_at": session.ends_at,
        }
        return await self._sessions.update(before, {"$set": change})

    async def end(self, session_id: str) -> None:
        await self._sessions.delete({"_id": session_id})

    async def end_all(self, visitor_id: str) -> None:
        await self._sessions.delete({"visitor_id": visitor_id})


class AppTokenStore(AppTokens):
    """The `app_tokens` collection; `_id` is the AppID."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._app_tokens = database.collection("app_tokens")

    async def get(self, appid: str) -> AppToken:
        stored = await self._app_tokens.get({"_id": appid})
        if stored is None:
            await self._app_tokens.insert({"_id": appid, **encode(AppToken())})
            return AppToken()
        token, forced_on = stored["token"], stored["forced_on"]
        return AppToken(
            number=stored["number"],
            token=Sealed(**token) if token else None,
            ends_at=stored["ends_at"],
            leased_until=stored["leased_until"],
            forced_on=date.fromisoformat(forced_on) if forced_on else None,
            forced=stored["forced"],
            forced_at=stored["forced_at"],
        )

    async def replace(self, appid: str, before: AppToken, after: AppToken) -> bool:
        where = {"_id": appid, "number": before.number, "leased_until": before.leased_until}
        return await self._app_tokens.update(where, {"$set": encode(after)})
