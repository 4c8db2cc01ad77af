"""Editions and holidays: small, and loaded whole by every process."""

from collections.abc import Sequence

from passes.store.database import Database
from passes.store.documents import (
    encode,
    from_edition,
    to_amendment,
    to_edition,
    to_holiday_year,
    to_spot_withdrawal,
    to_withdrawal,
)
from passes.store.versions import HOLIDAYS, PRODUCTS, Versions
from passes.terms.amendments import Amendment, Amendments
from passes.terms.edition import Edition
from passes.terms.holidays import HolidayYear
from passes.terms.ports import Versioned
from passes.terms.spot_withdrawals import SpotWithdrawal
from passes.terms.spot_withdrawing import SpotWithdrawals
from passes.terms.withdrawing import Withdrawal, Withdrawals


class EditionStore(Versioned[Edition]):
    """The `editions` collection; `_id` is `product:version`, `number` is unique.

    An edition is inserted once and never changed, so an insert under both unique keys decides
    between two publishers.
    """

    def __init__(self, database: Database) -> None:
        """Two collections of the database are used."""
        self._editions = database.collection("editions")
        self._versions = Versions(database)

    async def all(self) -> Sequence[Edition]:
        found = await self._editions.find({}, [("number", 1)])
        return [to_edition(document) for document in found]

    async def put(self, thing: Edition) -> bool:
        return await self._editions.insert(from_edition(thing))

    async def announce(self) -> None:
        await self._versions.bump(PRODUCTS)


class HolidayStore:
    """The `holidays` collection; `_id` is the year."""

    def __init__(self, database: Database) -> None:
        """Two collections of the database are used."""
        self._holidays = database.collection("holidays")
        self._versions = Versions(database)

    async def all(self) -> Sequence[HolidayYear]:
        """Every year that was published."""
        return [to_holiday_year(document) for document in await self._holidays.find({})]

    async def put(self, published: HolidayYear) -> None:
        """Store a year, instead of what was stored of it before."""
        fields = {"days": encode(published.days), "source": published.source}
        await self._holidays.update({"_id": published.year}, {"$set": fields}, upsert=True)

    async def announce(self) -> None:
        """Tell every process to load anew."""
        await self._versions.bump(HOLIDAYS)


class AmendmentStore(Amendments):
    """The `amendments` collection; `_id` is `product:number`."""

    def __init__(self, database: Database) -> None:
        """Two collections of the database are used."""
        self._amendments = database.collection("amendments")
        self._versions = Versions(database)

    async def all(self) -> Sequence[Amendment]:
        order = [("product_id", 1), ("number", 1)]
        return [to_amendment(document) for document in await self._amendments.find({}, order)]

    async def add(self, amendment: Amendment) -> bool:
        key = f"{amendment.product_id}:{amendment.number}"
        return await self._amendments.insert({"_id": key, **encode(amendment)})

    async def announce(self) -> None:
        await self._versions.bump(PRODUCTS)


class WithdrawalStore(Withdrawals):
    """The `withdrawals` collection; `_id` is the product."""

    def __init__(self, database: Database) -> None:
        """Two collections of the database are used."""
        self._withdrawals = database.collection("withdrawals")
        self._versions = Versions(database)

    async def all(self) -> Sequence[Withdrawal]:
        return [to_withdrawal(document) for document in await self._withdrawals.find({})]

    async def add(self, withdrawal: Withdrawal) -> bool:
        document = {"_id": withdrawal.product_id, "at": withdrawal.at}
        return await self._withdrawals.insert({**document, "reason": withdrawal.reason})

    async def remove(self, product_id: str) -> None:
        await self._withdrawals.delete({"_id": product_id})

    async def announce(self) -> None:
        await self._versions.bump(PRODUCTS)


class SpotWithdrawalStore(SpotWithdrawals):
    """The `spot_withdrawals` collection; `_id` is `product:spot`."""

    def __init__(self, database: Database) -> None:
        """Two collections of the database are used."""
        self._withdrawals = database.collection("spot_withdrawals")
        self._versions = Versions(database)

    async def all(self) -> Sequence[SpotWithdrawal]:
        return [to_spot_withdrawal(document) for document in await self._withdrawals.find({})]

    async def add(self, withdrawal: SpotWithdrawal) -> bool:
        key = f"{withdrawal.product_id}:{withdrawal.spot_id}"
        return await self._withdrawals.insert({"_id": key, **encode(withdrawal)})

    async def remove(self, product_id: str, spot_id: str) -> None:
        await self._withdrawals.delete({"_id": f"{product_id}:{spot_id}"})

    async def announce(self) -> None:
        await self._versions.bump(PRODUCTS)
