"""App tokens: what the mini-program calls WeChat with, one for all processes, fetched by one of them at a time."""

from dataclasses import dataclass
from datetime import date, datetime

from passes.people.sealing import Sealed
from passes.store.database import Database
from passes.store.documents import encode


@dataclass(frozen=True, slots=True)
class AppToken:
    """The token of an app, sealed, as it is stored; `number` grows with each that is fetched.

    Nobody may fetch the next before `leased_until`, except who holds that lease. `forced` counts the tokens that were
    fetched on `forced_on` though the one before had not ended, the last of them at `forced_at`.
    """

    number: int = 0
    token: Sealed | None = None
    ends_at: datetime | None = None
    leased_until: datetime | None = None
    forced_on: date | None = None
    forced: int = 0
    forced_at: datetime | None = None


class AppTokenStore:
    """The `app_tokens` collection; `_id` is the AppID."""

    def __init__(self, database: Database) -> None:
        """One collection of the database is used."""
        self._app_tokens = database.collection("app_tokens")

    async def get(self, appid: str) -> AppToken:
        """The token as it is now; an empty one if there was none."""
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

    async def become(self, appid: str, before: AppToken, after: AppToken) -> bool:
        """Store a token, or the lease to fetch one; False if number or lease are not what they were before."""
        where = {"_id": appid, "number": before.number, "leased_until": before.leased_until}
        return await self._app_tokens.update(where, {"$set": encode(after)})
