"""Every collection of the domain: its indexes, the query each of them serves, and its shard key.

On a sharded cluster the shard keys below let each hot query reach one shard. `_id` needs no index
of ours.
"""

from passes.store.database import Database, Index

_YEAR_SECONDS = 366 * 24 * 3600

_RETIRED = {"refusals": ("kept_a_year",)}
"""Indexes that an older version made and this one must not have: refusals went too early by it."""

INDEXES: dict[str, tuple[Index, ...]] = {
    # shard key: _id, hashed. Scans read a pass by _id.
    "passes": (
        Index(
            "holder",
            (("holder.lookup", 1),),
            serves="visitors, staff and cards at gates find the passes of a person",
        ),
        Index("product", (("product_id", 1),), serves="the vouchers of an offer are counted"),
        Index(
            "name_bucket",
            (("holder.name_bucket", 1),),
            serves="operators find the passes of whoever has a name",
        ),
    ),
    # shard key: pass_id, hashed. A scan inserts `serial:n` and reads the newest of one pass.
    "admissions": (
        Index(
            "pass_n",
            (("pass_id", 1), ("n", -1)),
            serves="a scan reads the newest records of its pass",
        ),
        Index(
            "gate_nonce",
            (("gate_id", 1), ("nonce", 1)),
            serves="a gate annuls, or asks again for, a scan it named",
        ),
        Index(
            "spot_at",
            (("spot_id", 1), ("at", 1)),
            serves="the totals of a spot and day are worked out from its records",
        ),
    ),
    # shard key: gate_id, hashed. `_id` is gate:nonce; a refusal is found again by it.
    "refusals": (
        Index(
            "kept_three_years",
            (("verdict.decided_at", 1),),
            serves="refusals are dropped after three years",
            expire_seconds=3 * _YEAR_SECONDS,
        ),
        Index("pass", (("pass_id", 1),), serves="the history of one pass is told"),
    ),
    # shard key: _id, hashed. `_id` is what is held and by whom.
    "holdings": (
        Index("held_by", (("holder", 1),), serves="a visitor's data are erased"),
        Index(
            "kept_until",
            (("forgotten_at", 1),),
            serves="what an account has claimed is forgotten half a year after the offer",
            expire_seconds=0,
        ),
    ),
    # shard key: _id, hashed
    "users": (
        Index(
            "guardian",
            (("consent.guardian.lookup", 1),),
            serves="a guardian is told for whom they consent",
        ),
        Index(
            "phone",
            (("phone.lookup", 1),),
            serves="operators find the accounts with a phone number",
        ),
    ),
    # shard key: _id, hashed. `_id` is a WeChat account or a person, as keyed hashes.
    "bindings": (),
    # shard key: _id, hashed. `_id` is an account and a slot.
    "companions": (
        Index(
            "companion",
            (("person.lookup", 1),),
            serves="a person, or staff, find the accounts that show them",
        ),
    ),
    # shard key: _id, hashed. `_id` is the account of who made it.
    "companion_codes": (
        Index("code", (("digest", 1),), serves="an account says the code of its companion"),
        Index(
            "code_ended",
            (("expires_at", 1),),
            serves="codes are dropped when they are good no more",
            expire_seconds=0,
        ),
    ),
    # shard key: _id, hashed. `_id` is a document or an account, as keyed hashes,
    # and a day.
    "name_attempts": (
        Index(
            "kept_two_days",
            (("at", 1),),
            serves="what was tried is forgotten",
            expire_seconds=2 * 24 * 3600,
        ),
    ),
    # shard key: _id, hashed
    "sessions": (
        Index("visitor", (("visitor_id", 1),), serves="a visitor signs out everywhere"),
        Index(
            "ended",
            (("ends_at", 1),),
            serves="sessions are dropped when they end",
            expire_seconds=0,
        ),
    ),
    # shard key: _id, hashed
    "requests": (Index("at", (("at", 1),), serves="the requests of a year are told"),),
    # small, not sharded. `_id` is product:version.
    "editions": (
        Index(
            "number",
            (("number", 1),),
            serves="a number stands for one edition for ever",
            unique=True,
        ),
    ),
    # small, not sharded. `_id` is product:number.
    "amendments": (),
    # small, not sharded. `_id` is the product.
    "withdrawals": (),
    # small, not sharded. `_id` is product:spot.
    "spot_withdrawals": (),
    # a document a year, not sharded. `_id` is the year.
    "holidays": (),
    # small, not sharded
    "offers": (),
    # shard key: _id, hashed. `_id` is `offer`, `offer:day` or `offer:day:spot`.
    "offer_counters": (
        Index("offer", (("offer_id", 1),), serves="the counters of an offer are reconciled"),
    ),
    # shard key: _id, hashed. `_id` is a group and a person.
    "members": (
        Index("person", (("lookup", 1),), serves="a claim asks for the groups of a person"),
        Index("group", (("group", 1),), serves="operators find the passes of a union"),
    ),
    # shard key: _id, hashed. `_id` is a document, as a keyed hash.
    "bars": (
        Index(
            "bar_over",
            (("until", 1),),
            serves="a bar is dropped when it ends",
            expire_seconds=0,
        ),
    ),
    # small, not sharded
    "gates": (
        Index("setup", (("setup.digest", 1),), serves="a device enrols with its setup code"),
    ),
    # shard key: _id, hashed. `_id` is a gate and an hour.
    "cards_in_vain": (
        Index(
            "counted_a_year",
            (("hour", 1),),
            serves="the last day is listed by gate; counts are dropped after a year",
            expire_seconds=_YEAR_SECONDS,
        ),
    ),
    # shard key: _id, hashed. `_id` is the gate.
    "heartbeats": (),
    # small, not sharded. `_id` is the spot.
    "stops": (),
    # shard key: _id, hashed. `_id` is the serial of a pass whose standing may have changed.
    "standing_marks": (),
    # nine documents or so, not sharded. `_id` is the salt of the filter.
    "bundle_filters": (),
    # small, not sharded. `_id` is `bound:spot`, `spent:spot`, `settled` or `making`.
    "bundle_lists": (),
    # shard key: _id, hashed. `_id` is the number of the case.
    "cases": (
        Index("closed", (("closed_at", 1),), serves="operators list the cases that are open"),
        Index("case_of_pass", (("pass_id", 1),), serves="the cases of one pass are shown"),
    ),
    # shard key: _id, hashed. `_id` is the number of the conflict.
    "conflicts": (
        Index(
            "of_pass", (("pass_id", 1),), serves="an upload asks for the conflicts of its passes"
        ),
        Index("open_at", (("state", 1), ("at", 1)), serves="operators list those that are open"),
    ),
    # shard key: _id, hashed
    "audit_log": (
        Index(
            "subject_at",
            (("subject", 1), ("at", 1)),
            serves="the history of one pass or gate is told",
        ),
        Index("by_at", (("by", 1), ("at", 1)), serves="what somebody did is told"),
    ),
    # small, not sharded. `_id` is the id of the key.
    "signing_keys": (),
    # small, not sharded
    "processes": (
        Index(
            "heard_a_day",
            (("at", 1),),
            serves="what does not serve any more is dropped",
            expire_seconds=24 * 3600,
        ),
    ),
    # small, not sharded
    "app_tokens": (),
    # small, not sharded
    "versions": (),
    # one document, not sharded
    "catalogue": (),
    # a few documents, not sharded: which keys are used, when it was filled, the schema number
    "settings": (),
}


async def ensure_indexes(database: Database) -> None:
    """Make every index that is missing, and drop what was one before."""
    for name, retired in _RETIRED.items():
        for index_name in retired:
            await database.collection(name).drop_index(index_name)
    for name, indexes in INDEXES.items():
        for index in indexes:
            await database.collection(name).ensure(index)
