"""What claims are counted by, and who belongs to which group."""

from collections.abc import Sequence

from passes.people.groups import Group
from passes.people.holder import Holder
from passes.people.visitors import Binding, Consent, Phone, Session, Visitor
from passes.store.database import Database
from passes.store.documents import encode, keyed, to_session, to_visitor


class MemberStore:
    """The `members` collection."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._members = database.collection("members")

    async def groups_of(self, lookup: str) -> frozenset[Group]:
        """The groups of a person."""
        return frozenset(
            Group(document["group"]) for document in await self._members.find({"lookup": lookup})
        )

    async def add(self, lookup: str, group: Group) -> bool:
        """Let a person belong to a group; False if they do already."""
        return await self._members.insert(
            {"_id": f"{group.value}:{lookup}", "lookup": lookup, "group": group.value}
        )

    async def forget(self, lookup: str) -> None:
        """Let a person belong to no group."""
        await self._members.delete({"lookup": lookup})

    async def remove(self, lookup: str, group: Group) -> None:
        """Let a person belong to a group no more."""
        await self._members.delete({"_id": f"{group.value}:{lookup}"})


class VisitorStore:
    """The `users` collection, and `bindings`, whose unique `_id` is what can be bound only once."""

    def __init__(self, database: Database) -> None:
        """Two collections of the database are used."""
        self._users = database.collection("users")
        self._bindings = database.collection("bindings")

    async def get(self, visitor_id: str) -> Visitor | None:
        """The visitor as they are now."""
        document = await self._users.get({"_id": visitor_id})
        return to_visitor(document) if document else None

    async def add(self, visitor: Visitor) -> None:
        """Keep a new visitor; one that is kept already stays as it is."""
        await self._users.insert(keyed(visitor))

    async def identify(
        self, visitor_id: str, before: str | None, identity: Holder | None, consent: Consent | None
    ) -> bool:
        """Set who a visitor is; False if the look-up hash of who they were is not `before`."""
        change = {"identity": encode(identity), "consent": encode(consent)}
        return await self._users.update(
            {"_id": visitor_id, "identity.lookup": before}, {"$set": change}
        )

    async def set_phone(self, visitor_id: str, phone: Phone | None) -> None:
        """Set the phone number of a visitor."""
        await self._users.update({"_id": visitor_id}, {"$set": {"phone": encode(phone)}})

    async def withdraw_tokens(self, visitor_id: str) -> None:
        """Make every token of a visitor worthless."""
        await self._users.update({"_id": visitor_id}, {"$inc": {"token_version": 1}})

    async def erase(self, visitor_id: str) -> None:
        """Delete a visitor."""
        await self._users.delete({"_id": visitor_id})

    async def bound(self, thing: str) -> Binding | None:
        """To whom a thing is bound."""
        found = await self._bindings.get({"_id": thing})
        return Binding(found["visitor_id"], found["at"]) if found else None

    async def bind(self, thing: str, wanted: Binding) -> Binding:
        """Bind a thing as wanted and return that, or return how it is bound already."""
        if await self._bindings.insert({"_id": thing, **encode(wanted)}):
            return wanted
        return await self.bound(thing) or await self.bind(thing, wanted)

    async def rebind(self, thing: str, before: Binding, after: Binding) -> bool:
        """Bind a thing to another visitor; False if it is not bound as before any more."""
        return await self._bindings.update(
            {"_id": thing, **encode(before)}, {"$set": encode(after)}
        )

    async def unbind(self, thing: str, visitor_id: str) -> None:
        """Undo a binding, if it is to that visitor."""
        await self._bindings.delete({"_id": thing, "visitor_id": visitor_id})


class SessionStore:
    """The `sessions` collection; a document is dropped when its session ends."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._sessions = database.collection("sessions")

    async def add(self, session: Session) -> None:
        """Keep a new session."""
        await self._sessions.insert(keyed(session))

    async def get(self, session_id: str) -> Session | None:
        """The session as it is now."""
        document = await self._sessions.get({"_id": session_id})
        return to_session(document) if document else None

    async def of_visitor(self, visitor_id: str) -> Sequence[Session]:
        """All sessions of a visitor, oldest first."""
        found = map(
            to_session, await self._sessions.find({"visitor_id": visitor_id})
        )  # a few: sorted here
        return sorted(found, key=lambda session: session.begun_at)

    async def renew(self, session: Session) -> bool:
        """Store the next generation of a session; False if it is not the next any more."""
        before = {"_id": session.id, "generation": session.generation - 1}
        change = {
            "generation": session.generation,
            "renewed_at": session.renewed_at,
            "ends_at": session.ends_at,
        }
        return await self._sessions.update(before, {"$set": change})

    async def end(self, session_id: str) -> None:
        """Delete a session."""
        await self._sessions.delete({"_id": session_id})

    async def end_all(self, visitor_id: str) -> None:
        """Delete all sessions of a visitor."""
        await self._sessions.delete({"visitor_id": visitor_id})
