"""The stored catalogue: replaced in one write, loaded whole, never half."""

import asyncio

from scenic_data.catalogue import Catalogue
from scenic_data.checking import load_spots
from scenic_data.model import Spot
from scenic_data.reference import Reference
from server.mongo import Mongo

REFERENCE = Reference.load()
SPOTS = load_spots()


def over(mongo: Mongo) -> Catalogue:
    return Catalogue(mongo.collection("catalogue"), REFERENCE)


async def test_what_is_stored_is_what_is_loaded(any_mongo: Mongo) -> None:
    catalogue, other = over(any_mongo), over(any_mongo)
    assert list(catalogue.ids()) == []
    await catalogue.load()
    assert await catalogue.replace(SPOTS)
    await other.load()
    assert sorted(other.snapshot.all(), key=lambda spot: spot.id) == sorted(
        SPOTS, key=lambda spot: spot.id
    )
    before = other.snapshot
    await other.load()
    assert other.snapshot is before, "the same version is not made again"


async def test_of_two_imports_at_once_one_is_told_to_try_again(any_mongo: Mongo) -> None:
    first, second = over(any_mongo), over(any_mongo)
    done = await asyncio.gather(first.replace(SPOTS[:1]), second.replace(SPOTS[:2]))
    assert sorted(done) == [False, True]
    await asyncio.gather(first.load(), second.load())
    assert first.snapshot.etag == second.snapshot.etag
    assert await first.replace(SPOTS[:3])
    assert not await second.replace(SPOTS[:4])
    await second.load()
    assert len(list(second.ids())) == 3


async def test_a_reader_sees_one_import_or_the_other(any_mongo: Mongo) -> None:
    """Each import gives all spots the same hours; no reader may see two of them mixed."""

    def imported(hours: str) -> list[Spot]:
        return [spot.model_copy(update={"open_hours": hours}) for spot in SPOTS[:200]]

    writer, seen = over(any_mongo), set[frozenset[str | None]]()
    await writer.replace(imported("0"))
    done = asyncio.Event()

    async def read() -> None:
        while not done.is_set():
            reader = over(any_mongo)
            await reader.load()
            seen.add(frozenset(spot.open_hours for spot in reader.snapshot.all()))

    reading = [asyncio.create_task(read()) for _ in range(3)]
    for n in range(1, 6):
        await writer.load()
        assert await writer.replace(imported(str(n)))
    done.set()
    await asyncio.gather(*reading)
    assert seen
    assert all(len(hours) == 1 for hours in seen)
