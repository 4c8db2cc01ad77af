"""Migrations: documents that an older version of the program has stored become those of this one.

The database carries a schema number. Every migration can be cut short and run again, and goes over
collections in batches. An older program refuses a database with a higher number than its own; the
way back is the backup that was made before (docs/deployment.md).
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial

from cryptography.exceptions import InvalidTag

from passes.base.calendar import business_day
from passes.base.errors import Conflict
from passes.base.text import Text
from passes.holding.model import Sale
from passes.people import phones
from passes.people.accounts import phone_lookup
from passes.people.holder import Holder
from passes.people.identity import Sealer
from passes.people.sealing import Sealed
from passes.people.traits import Traits, traits_of
from passes.store.binding import (
    brought_over,
    companion_place,
    guardian_place,
    holder_place,
    identity_place,
)
from passes.store.database import Collection, Database, Document
from passes.store.documents import encode, from_edition, part_at, to_edition, to_terms
from passes.store.macs import PassMacs
from passes.terms.edition import Edition
from passes.terms.ports import Spots
from passes.terms.terms import SpotFacts, Terms

log = logging.getLogger(__name__)

SCHEMA = 4
"""What this version of the program stores.

1 kept terms in every pass, 2 keeps editions, 3 binds what is sealed to its document, and has a
message authentication code in every pass, 4 finds people by their name, and accounts by phone.
"""
_EDITIONS, _BINDING, _FINDING = 2, 3, 4

_BATCH = 100
"""How many passes are updated in one command, which has to end within seconds."""
_SETTING = {"_id": "schema"}


async def migrate(
    database: Database, spots: Spots, sealer: Sealer, macs: PassMacs, *, is_new: bool
) -> None:
    """Bring a database to the schema of this program; one that `is_new` only takes its number.

    `spots` is the catalogue as it is stored, by which tags become spots. Raises `Conflict` if a
    newer program has used this database.
    """
    settings = database.collection("settings")
    stored = await settings.get(_SETTING)
    stored = stored or {"number": 1}
    number: int = stored["number"]
    if number > SCHEMA:
        text = Text(
            "数据库由更新版本的程序使用过，请升级程序",
            f"this database has schema {number}, this program knows {SCHEMA}: install the newer"
            " version again, or restore the backup made before it was used",
        )
        raise Conflict("schema_newer", text)
    # A migration that was cut short has left the schema that it came from.
    came_from: int = stored.get("from", number)
    if came_from == SCHEMA:
        return
    await _shut_out_schema_1(settings)
    if not is_new:
        log.warning("migrating the database from schema %d to %d", came_from, SCHEMA)
        # Older programs are shut out before anything is changed.
        begun = {"number": SCHEMA, "from": came_from}
        await settings.update(_SETTING, {"$set": begun}, upsert=True)
        if came_from < _EDITIONS:
            await _terms_to_editions(database, spots, sealer)
        if came_from < _BINDING:
            await _bind(database, sealer, macs)
        if came_from < _FINDING:
            await _let_be_found(database, sealer)
    done = {"$set": {"number": SCHEMA}, "$unset": {"from": ""}}
    await settings.update(_SETTING, done, upsert=True)


async def _bind(database: Database, sealer: Sealer, macs: PassMacs) -> None:
    """2 → 3: what is sealed opens in its own document alone, and passes prove to be ours."""
    await _change_each(database, "passes", lambda held: _bound_pass(held, sealer, macs))
    await _change_each(database, "users", lambda user: _bound_user(user, sealer))


def _bound_pass(held: Document, sealer: Sealer, macs: PassMacs) -> Document:
    changes: Document = {}
    holder = brought_over(sealer, held["holder"], holder_place(held["_id"]))
    if holder is not None:
        changes["holder.sealed"] = encode(holder.sealed)
    if "mac" not in held:
        changes["mac"] = macs.of(held)
    return changes


def _bound_user(user: Document, sealer: Sealer) -> Document:
    changes: Document = {}
    places = {"identity": identity_place, "consent.guardian": guardian_place}
    for path, place_of in places.items():
        holder = brought_over(sealer, part_at(user, path), place_of(user["_id"]))
        if holder is not None:
            changes[f"{path}.sealed"] = encode(holder.sealed)
    return changes


async def _let_be_found(database: Database, sealer: Sealer) -> None:
    """3 → 4: whoever has a name is found by it, and an account by its phone number."""
    for name, places in _HOLDERS.items():
        await _change_each(database, name, partial(_found_by, places, sealer))


_HOLDERS: Mapping[str, Mapping[str, Callable[[str], str]]] = {
    "passes": {"holder": holder_place},
    "users": {"identity": identity_place, "consent.guardian": guardian_place},
    "companions": {"person": companion_place},
}
"""Where holders stand, and the place that they are bound to, by the `_id` of the document."""


def _found_by(
    places: Mapping[str, Callable[[str], str]], sealer: Sealer, stored: Document
) -> Document:
    """What finds the holders in a document, and its phone number, where that is not there yet."""
    changes: Document = {}
    for path, place_of in places.items():
        holder = part_at(stored, path)
        if holder is None or holder["sealed"] is None or holder.get("name_bucket"):
            continue
        place = place_of(stored["_id"])
        try:
            sealed = Sealed(**holder["sealed"])
            name = sealer.open(Holder(**{**holder, "sealed": sealed, "place": place})).name
        except (InvalidTag, KeyError):
            log.warning("what is sealed at %s cannot be opened", place)
            continue
        changes[f"{path}.name_bucket"] = sealer.name_bucket(name)
    phone = part_at(stored, "phone")
    if phone is not None and not phone.get("lookup"):
        changes |= _phone_found(stored["_id"], phone, sealer)
    return changes


def _phone_found(visitor_id: str, phone: Document, sealer: Sealer) -> Document:
    sealed = Sealed(**phone["sealed"])
    try:
        number = phones.with_country(sealer.vault.open(sealed, f"phone:{visitor_id}"))
    except (InvalidTag, KeyError):
        log.warning("the phone number of visitor %s cannot be opened", visitor_id)
        return {}
    return {"phone.lookup": phone_lookup(number, sealer.vault)}


async def _change_each(
    database: Database, name: str, changes_of: Callable[[Document], Document]
) -> None:
    """Set in each document of a collection what has to change, if anything, in batches."""
    collection = database.collection(name)
    batch: list[tuple[Document, Document]] = []
    moved = 0
    async for document in collection.each({}):
        changes = changes_of(document)
        if changes:
            batch.append(({"_id": document["_id"]}, {"$set": changes}))
        if len(batch) == _BATCH:
            await collection.update_each(batch)
            moved, batch = moved + len(batch), []
            log.info("migrated %d of %s", moved, name)
    await collection.update_each(batch)
    log.info("migrated %d of %s", moved + len(batch), name)


async def _shut_out_schema_1(settings: Collection) -> None:
    """Let a program that knows no schema number refuse to start, before anything else is changed.

    It would start, find no products, and fail on every pass. What it does compare, to the letter,
    is the fingerprint of the key file.
    """
    keys = await settings.get({"_id": "keys"})
    if keys is not None and ":" not in keys["fingerprint"]:
        fingerprint = f"schema {SCHEMA}:{keys['fingerprint']}"
        await settings.update({"_id": "keys"}, {"$set": {"fingerprint": fingerprint}})


async def _terms_to_editions(database: Database, spots: Spots, sealer: Sealer) -> None:
    """1 → 2: distinct terms in passes become editions, and passes name them."""
    products = {each["_id"]: each for each in await database.collection("products").find({})}
    offers = {each["_id"]: each for each in await database.collection("offers").find({})}

    # 1. Which terms are there? In the products as published last, and in passes from before.
    first_issued: dict[tuple[str, str], datetime] = {}
    async for held in database.collection("passes").each({"terms": {"$exists": True}}):
        key = (held["product_id"], _canonical(_own_terms(held, products)))
        earliest = first_issued.get(key, held["issued_at"])
        first_issued[key] = min(earliest, held["issued_at"])

    # 2. An edition for each of them, all before any pass names one, so that a second run after a
    #    crash finds the same terms again and makes the same editions.
    drafts = _editions_of(products, offers, first_issued, list(_all(spots)))
    editions = database.collection("editions")
    for edition in drafts:
        await editions.insert(from_edition(edition))
    by_terms = {
        (edition.product_id, _canonical_of(edition.terms)): edition
        for edition in map(to_edition, await editions.find({}))
    }

    # 3. Each pass names its edition instead of holding its terms.
    batch: list[tuple[Document, Document]] = []
    moved = 0
    async for held in database.collection("passes").each({"terms": {"$exists": True}}):
        terms = _canonical(_own_terms(held, products))
        edition = by_terms[held["product_id"], terms]
        batch.append(_renamed(held, edition, sealer))
        if len(batch) == _BATCH:
            await database.collection("passes").update_each(batch)
            moved, batch = moved + len(batch), []
            log.info("migrated %d passes", moved)
    await database.collection("passes").update_each(batch)

    # 4. What is not read any more.
    await database.collection("products").delete({})
    log.info("migrated %d passes to %d editions", moved + len(batch), len(drafts))


def _editions_of(
    products: Mapping[str, Document],
    offers: Mapping[str, Document],
    first_issued: Mapping[tuple[str, str], datetime],
    spots: Iterable[SpotFacts],
) -> list[Edition]:
    """The editions of all products: that of today keeps its number, which stands in printed codes;
    those before it are numbered anew, in the order in which passes were first issued."""
    spots = list(spots)
    numbers = _free_numbers(products)
    editions = []
    for product_id, product in sorted(products.items()):
        current = _canonical(product["terms"])
        before = [
            terms
            for (of_product, terms), _ in sorted(first_issued.items(), key=lambda pair: pair[1])
            if of_product == product_id and terms != current
        ]
        benefit = _benefit(offers.get(product_id)) if product["offer"] else None
        common = {**product, "product_id": product_id, "benefit": benefit}
        for version, terms in enumerate(before, start=1):
            fields = {"terms": json.loads(terms), "version": version, "number": next(numbers)}
            editions.append(_resolved({**common, **fields}, spots))
        version = max(product["version"], len(before) + 1)
        editions.append(_resolved({**common, "version": version}, spots))
    return editions


def _free_numbers(products: Mapping[str, Document]) -> Iterator[int]:
    number = max((product["number"] for product in products.values()), default=0)
    while True:
        number += 1
        yield number


def _resolved(document: Document, spots: Iterable[SpotFacts]) -> Edition:
    """The edition in a document, its coverage resolved by the catalogue of today."""
    edition = to_edition({**document, "spots": []})
    covers = edition.terms.coverage.covers
    covered = sorted(spot.id for spot in spots if covers(spot))
    return to_edition({**document, "spots": covered})


def _own_terms(held: Document, products: Mapping[str, Document]) -> Document:
    """The terms of a pass without what is now its own: the days and the spot of a voucher."""
    terms: Document = held["terms"]
    if not held["voucher"]:
        return terms
    product = products[held["product_id"]]["terms"]
    own: Document = {**terms, "term": product["term"]}
    if _chosen_spot(held, product) is not None:
        own["coverage"] = product["coverage"]
    return own


def _chosen_spot(held: Document, product_terms: Document) -> str | None:
    """The spot that a voucher was claimed for, if its offer is for several."""
    own, offered = held["terms"]["coverage"]["spots"], product_terms["coverage"]["spots"]
    chosen = held["voucher"] and len(own) == 1 and len(offered) > 1 and own[0] in offered
    return str(own[0]) if chosen else None


def _renamed(held: Document, edition: Edition, sealer: Sealer) -> tuple[Document, Document]:
    """The update, by its filter, that lets a pass name its edition."""
    chosen = _chosen_spot(held, {"coverage": {"spots": sorted(edition.terms.coverage.spots)}})
    where = {"_id": held["_id"], "terms": {"$exists": True}}
    change = {
        "$set": {
            "version": edition.version,
            "revision": 0,
            "traits": encode(_traits(held, sealer)),
            "sale": encode(Sale()),
            "chosen_spot": chosen,
        },
        "$unset": {"terms": "", "product_number": "", "voucher": ""},
    }
    return where, change


def _traits(held: Document, sealer: Sealer) -> Traits:
    """What can still be told of a holder, while their sealed name is there."""
    sealed = held["holder"]["sealed"]
    if sealed is None:
        return Traits()
    holder = Holder(**{**held["holder"], "sealed": Sealed(**sealed)})
    try:
        return traits_of(sealer.open(holder), business_day(held["issued_at"]))
    except (InvalidTag, KeyError):
        log.warning("the holder of pass %s cannot be opened", held["_id"])
        return Traits()


def _benefit(offer: Document | None) -> str | None:
    if offer is None:
        return None
    kind, percent = offer["benefit"]["kind"], offer["benefit"]["percent"]
    return str(kind) if percent is None else f"{kind}:{percent}"


def _canonical(document: Document) -> str:
    """The same text for the same terms, whatever version of the program has stored them."""
    return _canonical_of(to_terms(document))


def _canonical_of(terms: Terms) -> str:
    return json.dumps(encode(terms), sort_keys=True, ensure_ascii=False)


def _all(spots: Spots) -> Iterator[SpotFacts]:
    for spot_id in spots.ids():
        spot = spots.get(spot_id)
        if spot is not None:
            yield spot
