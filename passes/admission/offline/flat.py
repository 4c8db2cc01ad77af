"""Flat: what holds at one spot on the days of a bundle, worked out so far that a small device needs
no rule engine, as plain values and as the JSON of the parts of a bundle.

The format stands in docs/gate-protocol.md, "Deciding alone". What is read here was signed, so it is
only checked as far as reading it needs: anything else raises `KeyError`, `TypeError` or
`ValueError`.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from passes.admission.gates import GateKind, GateState
from passes.admission.stop import Stop
from passes.base.text import Text
from passes.codes.keys import GateKeys, VerifyingKey
from passes.ledger.verdicts import Reason
from passes.terms.prices import Party, Payment
from passes.terms.terms import Limits
from passes.terms.times import Hours

Json = Any


@dataclass(frozen=True, slots=True)
class DayKind:
    """What holds for an edition on a day: `ok`, or the reason why nobody is let in all day; the
    hours, none if it is the whole day; and the party."""

    admits: Reason = Reason.OK
    hours: tuple[Hours, ...] = ()
    party: Party = field(default_factory=Party)


@dataclass(frozen=True, slots=True)
class FlatEdition:
    """An edition as one spot sees it."""

    number: int
    product_id: str
    version: int
    title: Text
    covers: bool
    voucher: bool
    bound: bool
    """Whether a voucher is for a spot that was chosen when it was claimed."""
    benefit: str | None
    longer: int
    """By how many days a pass may be valid longer than an older code of it says."""
    last_day: date | None
    """The last day of all its passes, if that is the same for all."""
    payment: Payment
    re_entry: bool
    limits: Limits
    """Those that a gate can know: `per_spot_day`, `per_spot` and `minutes_between`."""
    more_limits: bool
    """Whether there are others, which it cannot know."""
    sure: bool
    """Whether it can be promised when a pass admits: not while something that a gate cannot know,
    such as visits elsewhere or holidays that are not published yet, may stand in the way."""
    days: tuple[DayKind, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """The part `rules`. `free` has the categories of people who enter free by law, by day."""

    spot_id: str
    days: tuple[date, ...]
    editions: Mapping[int, FlatEdition]
    free: tuple[tuple[str, ...], ...] = ()
    stop: Stop | None = None
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What to show and say, by reason (`passes.ledger.verdicts.words_of`)."""

    def index_of(self, day: date) -> int | None:
        """The place of a day among those of the bundle."""
        return self.days.index(day) if day in self.days else None


@dataclass(frozen=True, slots=True)
class GateRow:
    """A gate of the spot. `token` is the SHA-256 of its token in hexadecimal digits, by which a hub
    knows it; None for one that has none, or of which it is not known."""

    id: str
    kind: GateKind
    state: GateState
    readers: tuple[str, ...] = ()
    token: str | None = None
    lanes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed since the filter was made: which serials admit nowhere, and why; and which
    admit, whatever the filter says."""

    refuse: Mapping[str, Reason] = field(default_factory=dict)
    allow: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Bound:
    """Vouchers that open this spot, of editions whose vouchers choose one. All those whose first
    day is `since` or later may be claimed later than this list was made."""

    since: date
    serials: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class State:
    """What happened to a pass here today, as the server knew it.

    `here` counts its visits to this spot on all days; `places`, `away`, `due` and `paid` are those
    of `passes.ledger.tally.Tally`. `steps` are those of rotating codes that have opened a gate here
    today; `free` is the category in which the holder came in free by law, if they are still in.
    """

    visits: int = 0
    here: int = 0
    places: int = 0
    away: int = 0
    due: int = 0
    paid: int = 0
    last_at: datetime | None = None
    steps: frozenset[int] = frozenset()
    free: str | None = None


# To JSON and back, a pair of functions for each part.


def rules_to(rules: Rules) -> Json:
    """The JSON of the part `rules`."""
    kinds: dict[DayKind, int] = {}
    editions = {}
    for number, edition in sorted(rules.editions.items()):
        days = [kinds.setdefault(kind, len(kinds)) for kind in edition.days]
        editions[str(number)] = {**_edition_to(edition), "days": days}
    return {
        "spot": rules.spot_id,
        "days": [day.isoformat() for day in rules.days],
        "free": [list(each) for each in rules.free],
        "stop": None if rules.stop is None else _stop_to(rules.stop),
        "kinds": [_kind_to(kind) for kind in kinds],
        "editions": editions,
        "words": dict(rules.words),
    }


def rules_of(found: Json) -> Rules:
    """The part `rules`."""
    kinds = [_kind_of(each) for each in found["kinds"]]
    spot_id = found["spot"]
    stop = found["stop"]
    editions = {
        int(number): _edition_of(int(number), each, kinds)
        for number, each in found["editions"].items()
    }
    return Rules(
        spot_id=spot_id,
        days=tuple(date.fromisoformat(day) for day in found["days"]),
        editions=editions,
        free=tuple(tuple(each) for each in found["free"]),
        stop=None if stop is None else _stop_of(spot_id, stop),
        words=found["words"],
    )


def _edition_to(edition: FlatEdition) -> Json:
    limits = edition.limits
    return {
        "product": edition.product_id,
        "version": edition.version,
        "title": _text_to(edition.title),
        "covers": edition.covers,
        "voucher": edition.voucher,
        "bound": edition.bound,
        "benefit": edition.benefit,
        "longer": edition.longer,
        "last_day": None if edition.last_day is None else edition.last_day.isoformat(),
        "payment": edition.payment.value,
        "re_entry": edition.re_entry,
        "per_spot_day": limits.per_spot_day,
        "per_spot": limits.per_spot,
        "minutes_between": limits.minutes_between,
        "more_limits": edition.more_limits,
        "sure": edition.sure,
    }


def _edition_of(number: int, found: Json, kinds: list[DayKind]) -> FlatEdition:
    last_day = found["last_day"]
    return FlatEdition(
        number=number,
        product_id=found["product"],
        version=found["version"],
        title=_text_of(found["title"]),
        covers=found["covers"],
        voucher=found["voucher"],
        bound=found["bound"],
        benefit=found["benefit"],
        longer=found["longer"],
        last_day=None if last_day is None else date.fromisoformat(last_day),
        payment=Payment(found["payment"]),
        re_entry=found["re_entry"],
        limits=Limits(
            per_spot_day=found["per_spot_day"],
            per_spot=found["per_spot"],
            minutes_between=found["minutes_between"],
        ),
        more_limits=found["more_limits"],
        sure=found["sure"],
        days=tuple(kinds[index] for index in found["days"]),
    )


def _kind_to(kind: DayKind) -> Json:
    return {
        "admits": kind.admits.value,
        "hours": [[f"{each.opens:%H:%M:%S}", f"{each.closes:%H:%M:%S}"] for each in kind.hours],
        "party": {"admits": kind.party.admits, "pays": kind.party.pays},
        "each_fen": kind.party.each_fen,
    }


def _kind_of(found: Json) -> DayKind:
    party = found["party"]
    hours = (Hours(time.fromisoformat(a), time.fromisoformat(b)) for a, b in found["hours"])
    return DayKind(
        Reason(found["admits"]),
        tuple(hours),
        Party(party["admits"], party["pays"], found["each_fen"]),
    )


def _stop_to(stop: Stop) -> Json:
    return {
        "since": instant_to(stop.since),
        "until": instant_to(stop.until),
        "reason": stop.reason,
        "emergency": stop.emergency,
    }


def _stop_of(spot_id: str, found: Json) -> Stop:
    since, until = instant_of(found["since"]), instant_of(found["until"])
    return Stop(spot_id, since, until, found["reason"], "", emergency=found["emergency"])


def keys_to(keys: GateKeys) -> Json:
    """The JSON of the part `keys`. It holds secrets: day keys."""
    return {
        "codes": [
            {"id": key.id, "public": public_to(key.public), "last_day": key.last_day.isoformat()}
            for key in keys.verifying
        ],
        "days": {day.isoformat(): _base64(key) for day, key in sorted(keys.day_keys.items())},
    }


def keys_of(found: Json) -> GateKeys:
    """The part `keys`."""
    verifying = [
        VerifyingKey(each["id"], public_of(each["public"]), date.fromisoformat(each["last_day"]))
        for each in found["codes"]
    ]
    days = {date.fromisoformat(day): bytes_of(key) for day, key in found["days"].items()}
    return GateKeys(verifying, days)


def gates_to(gates: tuple[GateRow, ...]) -> Json:
    """The JSON of the part `gates`."""
    return [
        {
            "id": gate.id,
            "kind": gate.kind.value,
            "state": gate.state.value,
            "readers": list(gate.readers),
            "lanes": list(gate.lanes),
            "token": gate.token,
        }
        for gate in gates
    ]


def gates_of(found: Json) -> tuple[GateRow, ...]:
    """The part `gates`."""
    return tuple(
        GateRow(
            each["id"],
            GateKind(each["kind"]),
            GateState(each["state"]),
            tuple(each["readers"]),
            each["token"],
            tuple(each["lanes"]),
        )
        for each in found
    )


def changes_to(changes: Changes) -> Json:
    """The JSON of the part `changes`."""
    refuse = {serial: reason.value for serial, reason in sorted(changes.refuse.items())}
    return {"refuse": refuse, "allow": sorted(changes.allow)}


def changes_of(found: Json) -> Changes:
    """The part `changes`. A reason that is not known yet is `not_in_force`."""
    known = {each.value for each in Reason}
    refuse = {
        serial: Reason(reason) if reason in known else Reason.NOT_IN_FORCE
        for serial, reason in found["refuse"].items()
    }
    return Changes(refuse, frozenset(found["allow"]))


def bound_to(bound: Bound) -> Json:
    """The JSON of the part `bound`."""
    serials = b"".join(map(bytes.fromhex, sorted(bound.serials)))
    return {"since": bound.since.isoformat(), "serials": _base64(serials)}


def bound_of(found: Json) -> Bound:
    """The part `bound`."""
    serials = frozenset(each.hex() for each in _cut(bytes_of(found["serials"]), 8))
    return Bound(date.fromisoformat(found["since"]), serials)


SPENT_BYTES = 6


def spent_to(spent: frozenset[bytes]) -> Json:
    """The JSON of the part `spent`."""
    return {"hashes": _base64(b"".join(sorted(spent)))}


def spent_of(found: Json) -> frozenset[bytes]:
    """The part `spent`."""
    return frozenset(_cut(bytes_of(found["hashes"]), SPENT_BYTES))


def states_to(states: Mapping[str, State]) -> Json:
    """The JSON of a part `day:…`, by serial."""
    return {serial: _state_to(state) for serial, state in sorted(states.items())}


def states_of(found: Json) -> dict[str, State]:
    """A part `day:…`, by serial."""
    return {serial: _state_of(state) for serial, state in found.items()}


def _state_to(state: State) -> Json:
    counts = {
        "visits": state.visits,
        "here": state.here,
        "places": state.places,
        "away": state.away,
        "due": state.due,
        "paid": state.paid,
        "last_at": None if state.last_at is None else instant_to(state.last_at),
        "steps": sorted(state.steps),
        "free": state.free,
    }
    return {name: value for name, value in counts.items() if value}


def _state_of(found: Json) -> State:
    last_at = found.get("last_at")
    return State(
        visits=found.get("visits", 0),
        here=found.get("here", 0),
        places=found.get("places", 0),
        away=found.get("away", 0),
        due=found.get("due", 0),
        paid=found.get("paid", 0),
        last_at=None if last_at is None else instant_of(last_at),
        steps=frozenset(found.get("steps", ())),
        free=found.get("free"),
    )


def public_to(key: Ed25519PublicKey) -> str:
    """The 32 bytes of a public key in base64."""
    return _base64(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def public_of(found: str) -> Ed25519PublicKey:
    """The public key in base64."""
    return Ed25519PublicKey.from_public_bytes(bytes_of(found))


def instant_to(instant: datetime) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    told = instant.astimezone(UTC).isoformat(timespec="milliseconds")
    return told.replace("+00:00", "Z")


def instant_of(found: str) -> datetime:
    """The instant in RFC 3339."""
    return datetime.fromisoformat(found)


def bytes_of(found: str) -> bytes:
    """The bytes in base64."""
    return base64.b64decode(found, validate=True)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _text_to(text: Text) -> Json:
    return {"zh": text.zh, "en": text.en}


def _text_of(found: Json) -> Text:
    return Text(found["zh"], found["en"])


def _cut(raw: bytes, size: int) -> list[bytes]:
    if len(raw) % size:
        raise ValueError(f"no row of {size} bytes each")
    return [raw[at : at + size] for at in range(0, len(raw), size)]
