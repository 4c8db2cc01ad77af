"""The system: every room over one database, with the keys and the catalogue it was opened with.

Shared by the server, the scripts and the tests. Opening one makes what is missing: indexes, keys,
and, in a database that was never used, the catalogue and, where they are asked for, the examples.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from passes.admission.not_the_holder import MARKS_THAT_FREEZE
from passes.admission.ports import Carriers
from passes.rooms import Rooms
from passes.store.database import Database
from passes.store.indexes import ensure_indexes
from passes.store.migrations import migrate
from passes.store.versions import SPOTS
from scenic_data.catalogue import Catalogue
from scenic_data.reference import Reference
from server.carriers import HttpCarriers
from server.epoch import compare_epochs
from server.keyfile import Keys, check_announced, keys_for
from server.mongo import Mongo
from server.settings import Settings


class System(Rooms):
    """The rooms over one database, with its keys and its catalogue."""

    def __init__(
        self,
        mongo: Mongo,
        keys: Keys,
        privacy_version: str,
        carriers: Carriers | None = None,
        *,
        serves: bool = True,
        marks_that_freeze: int = MARKS_THAT_FREEZE,
    ) -> None:
        """Nothing is loaded yet. The catalogue of one that `serves` is loaded ready for
        requests."""
        self.database: Database = mongo
        self.keys = keys
        self.catalogue = Catalogue(mongo.collection("catalogue"), Reference.load(), serves=serves)
        super().__init__(
            mongo,
            keys.codes,
            keys.vault,
            self.catalogue,
            privacy_version,
            carriers,
            marks_that_freeze,
            keys.bundles,
        )

    def loaders(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What brings each topic of `versions` into memory."""
        return {SPOTS: self.catalogue.load, **super().loaders()}


async def open_system(
    settings: Settings, mongo: Mongo, now: datetime, *, serves: bool = True
) -> System:
    """The system over a database, loaded; ready for requests if it `serves`.

    Raises `StartError` if the key file is not that of the database, `DataError` or `Invalid` if the
    data files that fill a new database are wrong, `Conflict` if a newer program has used it,
    `Unavailable` if the database does not answer.
    """
    await mongo.ping()
    await ensure_indexes(mongo)
    keys = await keys_for(mongo, settings.key_file)
    await compare_epochs(mongo, keys.epoch)
    carriers = HttpCarriers(settings.carriers_url) if settings.carriers_url else None
    system = System(
        mongo,
        keys,
        settings.privacy_version,
        carriers,
        serves=serves,
        marks_that_freeze=settings.marks_that_freeze,
    )
    marks = mongo.collection("settings")
    is_new = await marks.get({"_id": "filled"}) is None
    await system.catalogue.load()
    await migrate(mongo, system.catalogue, system.people.identities, system.macs, is_new=is_new)
    if is_new:
        # The models of what is read then take a tenth of a second to build.
        from server import first_start  # noqa: PLC0415

        await first_start.fill(system, now)
        if settings.publishes_examples:
            await first_start.publish_examples(system, now)
        await marks.insert({"_id": "filled", "at": now})
    for load in system.loaders().values():
        await load()
    check_announced(keys.codes, await system.signing.uses.all())
    return system
