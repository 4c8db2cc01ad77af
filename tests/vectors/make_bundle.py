"""Makes `bundle.json`: `python -m tests.vectors.make_bundle`.

Written against docs/gate-protocol.md, "Deciding alone", alone and sharing no code with `passes`, so
that the vectors check it; the writer of codes shares none either. Vectors are added, never
changed: a gate maker's tests rely on them.
"""

import base64
import hashlib
import json
import math
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.support.code_writer import CODE, content, day_key, signed, tail, text

Json = dict[str, Any]

ZONE = timezone(timedelta(hours=8))
NOW = datetime(2026, 7, 1, 2, 0, 7, tzinfo=UTC)
"""Seven seconds past ten in the morning."""
DAYS = [f"2026-07-{day:02}" for day in range(1, 9)]
SPOT = "emeishan"
TURNSTILE, HANDHELD, WINDOW, OFF = "emeishan-a", "emeishan-b", "emeishan-c", "emeishan-d"
KINDS = {TURNSTILE: "turnstile", HANDHELD: "handheld", WINDOW: "window", OFF: "turnstile"}
BUNDLE_KEYS = {
    key_id: Ed25519PrivateKey.from_private_bytes(bytes([key_id]) * 32) for key_id in (7, 8)
}
FIRST, SECOND, THIRD = "0000000000000a01", "0000000000000a02", "0000000000000a03"
REVOKED, USED_UP, FILTERED, ALLOWED = (
    "0000000000000b01",
    "0000000000000b02",
    "0000000000000b03",
    "0000000000000b04",
)
HERE, PARTLY, AWAY, PAID, SENIOR, SPENT = (
    "0000000000000c01",
    "0000000000000c02",
    "0000000000000c03",
    "0000000000000c04",
    "0000000000000c05",
    "0000000000000c06",
)
FAMILY_USED_UP, BOUND, OUT = "0000000000000c07", "0000000000000c08", "0000000000000c09"


# The bytes.


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def packed(value: Any) -> bytes:
    return zlib.compress(json.dumps(value, ensure_ascii=False).encode(), 9)


def public(key: Ed25519PrivateKey) -> str:
    return b64(key.public_key().public_bytes_raw())


def u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def bits_of(salt: bytes, level: int, serial: str, hashes: int, bits: int) -> list[int]:
    digest = hashlib.sha256(salt + bytes([level]) + bytes.fromhex(serial)).digest()
    a, b = int.from_bytes(digest[:4], "big"), int.from_bytes(digest[4:8], "big") | 1
    return [(a + n * b) % 2**32 % bits for n in range(hashes)]


def filter_of(refused: Iterable[str], others: Iterable[str], salt: bytes) -> bytes:
    """A cascade of levels of 4 hashes, then 1."""
    holds, excludes, levels = set(refused), set(others), list[bytes]()
    while holds:
        hashes = 1 if levels else 4
        bits = max(16, math.ceil(len(holds) * hashes * 1.5))
        data = bytearray(-(-bits // 8))

        def places(
            serial: str, level: int = len(levels), k: int = hashes, m: int = bits
        ) -> list[int]:
            return bits_of(salt, level, serial, k, m)

        for serial in holds:
            for at in places(serial):
                data[at // 8] |= 1 << at % 8
        levels.append(bytes([hashes]) + u32(bits) + bytes(data))
        passed = {s for s in excludes if all(data[at // 8] >> at % 8 & 1 for at in places(s))}
        holds, excludes = passed, holds
    return b"BPF1" + salt + bytes([len(levels)]) + b"".join(levels)


def refuses(raw: bytes, serial: str) -> bool:
    """Whether a filter refuses a serial."""
    salt, count, at = raw[4:12], raw[12], 13
    for level in range(count):
        hashes, bits = raw[at], int.from_bytes(raw[at + 1 : at + 5], "big")
        data = raw[at + 5 : at + 5 + -(-bits // 8)]
        at += 5 + len(data)
        places = bits_of(salt, level, serial, hashes, bits)
        if not all(data[each // 8] >> each % 8 & 1 for each in places):
            return level % 2 == 1
    return count % 2 == 1


def raw_bundle(
    parts: Mapping[str, Any],
    key_id: int = 7,
    made_at: datetime = NOW,
    have: Iterable[str] = (),
    signs: int | None = None,
    **changes: Any,
) -> bytes:
    """The bytes of a bundle; `signs` is another key than the one that it names."""
    content_of = {
        name: value if isinstance(value, bytes) else packed(value) for name, value in parts.items()
    }
    manifest = {
        "format": 1,
        "spot": SPOT,
        "epoch": 0,
        "number": int(made_at.timestamp() * 1000),
        "made_at": instant(made_at),
        "good_until": instant(made_at + timedelta(days=7)),
        "keys": [{"id": each, "public": public(key)} for each, key in BUNDLE_KEYS.items()],
        "parts": [
            {"name": name, "sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw)}
            for name, raw in content_of.items()
        ],
    }
    told = json.dumps(manifest | changes, ensure_ascii=False).encode()
    signature = BUNDLE_KEYS[signs or key_id].sign(b"BPB1" + told)
    sent = [raw for name, raw in content_of.items() if name not in have]
    out = b"BPB1" + bytes([key_id]) + signature + u32(len(told)) + told
    return out + b"".join(u32(len(raw)) + raw for raw in sent)


# What they hold.

_EDITION: Json = {
    "product": "annual",
    "version": 1,
    "title": {"zh": "年票", "en": "annual pass"},
    "covers": True,
    "voucher": False,
    "bound": False,
    "benefit": None,
    "longer": 0,
    "last_day": None,
    "payment": "paid",
    "re_entry": False,
    "per_spot_day": 1,
    "per_spot": None,
    "minutes_between": None,
    "more_limits": False,
    "sure": True,
    "days": [0] * 8,
}


def kind(
    admits: str = "ok", hours: Any = (), let_in: int = 1, pays: int = 1, fen: Any = None
) -> Json:
    return {
        "admits": admits,
        "hours": list(hours),
        "party": {"admits": let_in, "pays": pays},
        "each_fen": fen,
    }


KINDS_OF_DAYS = [
    kind(),
    kind("spot_closed"),
    kind("blackout"),
    kind("spot_withdrawn"),
    kind("outside_hours"),
    kind(hours=[["08:00:00", "10:00:00"], ["14:00:00", "18:00:00"]]),
    kind(hours=[["10:00:00", "10:00:08"]]),
    kind(let_in=4, pays=2, fen=5_000),
    kind(let_in=2, pays=1),
    kind(let_in=1, pays=1, fen=8_050),
]
ANNUAL, CLOSED, BLACKOUT, WITHDRAWN, NO_HOUR, TWO_SPANS, JUST_OPEN, FAMILY, PAIR, HALF = range(
    1, 11
)
TOMORROW, LONGER, NOT_HERE, TWICE, SPACED, RETURN, THREE, CHOSEN, FOUR_PAID, LASTS, OFTEN = range(
    11, 22
)
UNKNOWN = 99
EDITIONS: dict[int, Json] = {
    ANNUAL: {},
    CLOSED: {"days": [1] * 8},
    BLACKOUT: {"days": [2] * 8},
    WITHDRAWN: {"days": [3] * 8},
    NO_HOUR: {"days": [4] * 8},
    TWO_SPANS: {"days": [5] * 8},
    JUST_OPEN: {"days": [6] * 8},
    FAMILY: {"days": [7] * 8, "payment": "at_window"},
    PAIR: {"days": [8] * 8, "payment": "at_window", "voucher": True, "benefit": "buy_one_get_one"},
    HALF: {"days": [9] * 8, "payment": "at_window", "voucher": True, "benefit": "percent:50"},
    TOMORROW: {"days": [2, *[0] * 7]},
    LONGER: {"longer": 30},
    NOT_HERE: {"covers": False},
    TWICE: {"per_spot_day": 2},
    SPACED: {"per_spot_day": None, "minutes_between": 60},
    RETURN: {"re_entry": True},
    THREE: {"per_spot_day": None, "per_spot": 3},
    CHOSEN: {"bound": True, "voucher": True},
    FOUR_PAID: {"days": [7] * 8},
    LASTS: {"longer": 400, "last_day": "2026-06-30"},
    OFTEN: {"days": [9] * 8, "payment": "at_window", "per_spot_day": None},
}
STEP = int(NOW.timestamp()) // 30
PARTS: dict[str, Any] = {
    "rules": {
        "spot": SPOT,
        "days": DAYS,
        "free": [["child", "senior"]] * 8,
        "stop": None,
        "kinds": KINDS_OF_DAYS,
        "editions": {str(number): _EDITION | changes for number, changes in EDITIONS.items()},
        "words": {"ok": {"zh": "欢迎入园", "en": "Welcome", "speak": "欢迎光临"}},
    },
    "keys": {
        "codes": [
            {
                "id": 1,
                "public": public(Ed25519PrivateKey.from_private_bytes(b"\1" * 32)),
                "last_day": "2026-06-30",
            },
            {
                "id": 2,
                "public": public(Ed25519PrivateKey.from_private_bytes(b"\2" * 32)),
                "last_day": "2199-12-31",
            },
        ],
        "days": {day: b64(day_key(day)) for day in ["2026-06-30", *DAYS]},
    },
    "gates": [
        {
            "id": gate,
            "kind": kind_of,
            "state": "disabled" if gate == OFF else "enrolled",
            "readers": [],
            "lanes": [],
            "token": None,
        }
        for gate, kind_of in KINDS.items()
    ],
    "changes": {
        "refuse": {
            REVOKED: "revoked",
            USED_UP: "no_visits_left",
            FAMILY_USED_UP: "no_visits_left",
            OUT: "revoked",
        },
        "allow": [ALLOWED],
    },
    "spent": {
        "hashes": b64(
            hashlib.sha256(b"BPB1 spent" + SPOT.encode() + bytes.fromhex(SPENT)).digest()[:6]
        )
    },
    "bound": {"since": "2026-07-01", "serials": b64(bytes.fromhex(BOUND))},
    "day:2026-07-01T08": {
        HERE: {
            "visits": 1,
            "here": 1,
            "last_at": "2026-07-01T00:30:00.000Z",
            "steps": [STEP - 180],
        },
        PARTLY: {
            "visits": 1,
            "here": 1,
            "places": 3,
            "due": 1,
            "paid": 1,
            "last_at": "2026-07-01T00:30:00.000Z",
        },
        AWAY: {"visits": 1, "here": 1, "away": 1, "last_at": "2026-07-01T00:30:00.000Z"},
    },
    "day:2026-07-01T09": {
        PARTLY: {
            "visits": 1,
            "here": 3,
            "places": 2,
            "due": 2,
            "paid": 2,
            "last_at": "2026-07-01T01:30:00.000Z",
            "steps": [STEP],
        },
        PAID: {"paid": 2},
        SENIOR: {"free": "senior"},
        FAMILY_USED_UP: {
            "visits": 1,
            "here": 1,
            "places": 2,
            "last_at": "2026-07-01T01:45:00.000Z",
        },
        OUT: {"visits": 1, "here": 1, "last_at": "2026-07-01T01:45:00.000Z"},
    },
    "filter": filter_of(
        [REVOKED, FILTERED, ALLOWED], [FIRST, SECOND, THIRD, HERE, PARTLY, AWAY], b"bashu-01"
    ),
}
STOP = {
    "since": instant(NOW),
    "until": "2026-07-01T04:00:00.000Z",
    "reason": "full",
    "emergency": False,
}


def with_rules(**changes: Any) -> dict[str, Any]:
    return PARTS | {"rules": PARTS["rules"] | changes}


WHOLE = raw_bundle(PARTS)
OLD = {"epoch": 0, "number": int(NOW.timestamp() * 1000)}
HELD = ["keys", "filter"]


def bundle(name: str, raw: bytes, refused: str | None = None, **about: Any) -> Json:
    return (
        {"name": name, "raw": b64(raw), "spot": SPOT, "newest": None, "held": []}
        | about
        | {"refused": refused}
    )


def flipped(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def part_bytes(name: str) -> str:
    value = PARTS[name]
    return b64(value if isinstance(value, bytes) else packed(value))


GOOD: dict[str, tuple[dict[str, Any], bytes]] = {
    "usual": (PARTS, WHOLE),
    "stopped": (with_rules(stop=STOP), raw_bundle(with_rules(stop=STOP))),
    "emergency": (
        with_rules(stop=STOP | {"emergency": True}),
        raw_bundle(with_rules(stop=STOP | {"emergency": True})),
    ),
}


def bundles() -> list[Json]:
    held = [part_bytes(name) for name in HELD]
    return [
        *(bundle(name, raw) | {"holds": told(parts)} for name, (parts, raw) in GOOD.items()),
        bundle("by the next bundle key", raw_bundle(PARTS, key_id=8)),
        bundle("a delta", raw_bundle(PARTS, have=HELD), held=held),
        bundle("the same again", WHOLE, newest=OLD),
        bundle(
            "after a restored backup",
            raw_bundle(PARTS, epoch=1),
            newest=OLD | {"number": OLD["number"] + 999},
        ),
        bundle("a part that is not known", raw_bundle({**PARTS, "weather": {"rain": True}})),
        bundle("an older one", WHOLE, "older", newest=OLD | {"number": OLD["number"] + 1}),
        bundle("of an older epoch", WHOLE, "older", newest={"epoch": 1, "number": 0}),
        bundle("of another spot", WHOLE, "other_spot", spot="leshan-dafo"),
        bundle(
            "by a key that is not known",
            raw_bundle(PARTS, key_id=7)[:4] + b"\x09" + WHOLE[5:],
            "unknown_key",
        ),
        bundle("signed by another key", raw_bundle(PARTS, signs=8), "forged"),
        bundle("a bit of the signature", flipped(WHOLE, 20), "forged"),
        bundle("a bit of the manifest", flipped(WHOLE, 90), "forged"),
        bundle("a bit of the last part", flipped(WHOLE, len(WHOLE) - 1), "damaged_part"),
        bundle(
            "a part that is not held",
            raw_bundle(PARTS, have=HELD),
            "missing_part",
            held=held[:1],
        ),
        bundle("no part at all", raw_bundle(PARTS, have=PARTS), "missing_part"),
        bundle("cut short", WHOLE[:-1], "malformed"),
        bundle("longer", WHOLE + b"\0", "malformed"),
        bundle("nothing", b"", "malformed"),
        bundle("another file", b"PK\3\4" + bytes(200), "malformed"),
        bundle("of a later format", raw_bundle(PARTS, format=2), "unknown_format"),
    ]


def told(parts: Mapping[str, Any]) -> Json:
    """What parts hold, but for the filter."""
    return {name: value for name, value in parts.items() if name != "filter"}


def filters() -> list[Json]:
    some = [f"{n:016x}" for n in range(1, 400)]
    made = [
        filter_of([], some, b"saltsalt"),
        filter_of(some[:7], [], b"saltsalt"),
        filter_of(some[:40], some[40:], b"saltsalt"),
        filter_of(some[:40], some[40:], b"saltsalu"),
    ]
    asked = [*some[::3], "ffffffffffffffff", "8000000000000000"]
    return [
        {
            "raw": b64(raw),
            "questions": [{"serial": each, "refused": refuses(raw, each)} for each in asked],
        }
        for raw in made
    ]


# The decision, step by step as the page says it.


def decide(parts: Mapping[str, Any], asked: Json) -> Json:  # noqa: C901, PLR0911, PLR0912, PLR0915 - as the page
    now = datetime.fromisoformat(asked["now"])
    rules, code, gate = parts["rules"], asked["code"], asked["gate"]
    kind_of, purpose, party = KINDS[gate], asked["purpose"], asked["party"]
    # 1
    day = now.astimezone(ZONE).date().isoformat()
    if now > NOW + timedelta(days=7) or day not in rules["days"]:
        return {"error": "too_old"}
    d = rules["days"].index(day)
    # 2, 3
    if asked.get("unsound") and code is None:
        return refused(asked["unsound"])
    serial = code["pass_id"]
    e = rules["editions"].get(str(code["product_number"]))
    if e is None:
        e = _EDITION | {"covers": False}
    k = rules["kinds"][e["days"][d]] if e["covers"] else kind()
    let_in, pays = k["party"]["admits"], k["party"]["pays"]
    # 4
    past = past_of(parts, e, serial, asked["known"], day)
    own = [
        datetime.fromisoformat(each["at"]) for each in asked["known"] if each["serial"] == serial
    ]
    last_at = past["last_at"] and datetime.fromisoformat(past["last_at"])
    newest = max(own, default=last_at or now)
    at = max(now, newest) if newest - now <= timedelta(minutes=5) else now
    # 5
    why = parts["changes"]["refuse"].get(serial)
    if why is None and serial not in parts["changes"]["allow"] and refuses(parts["filter"], serial):
        why = "not_in_force"
    if purpose == "enter" and party is None and why in {None, "no_visits_left"}:
        for each in asked["known"]:
            ago = abs(now - datetime.fromisoformat(each["at"]))
            mine = each["serial"] == serial and each["gate"] == gate and each["kind"] == "enter"
            if mine and each["party"] is None and ago <= timedelta(seconds=3):
                return refused("repeat")
    # 6
    if asked.get("unsound"):
        return refused(asked["unsound"])
    # 7
    free_today = rules["free"][d]
    if asked["free"] and kind_of == "turnstile":
        return {"error": "free_needs_staff"}
    if not set(asked["free"]) <= set(free_today):
        return {"error": "not_free_by_law"}
    # 8
    disabled = any(row["id"] == gate and row["state"] == "disabled" for row in parts["gates"])
    came = past["visits"] > 0 or past["free"] is not None
    if purpose == "leave" and not disabled and (why != "revoked" or came):
        return granted(admits=party or let_in, leaving=True)
    # 9
    follow = past["places"] + past["away"]
    wanted = party or follow or let_in
    joins = wanted <= follow
    is_free = past["free"] in free_today and (party or 1) == 1 and let_in == 1
    stop = rules["stop"]
    stopped = stop is not None and at < datetime.fromisoformat(stop["until"])
    printed, step = not code["rotating"], asked["step"]
    if disabled:
        return refused("gate_disabled")
    if stopped and stop["emergency"]:
        return refused("emergency")
    if printed and kind_of == "turnstile":
        return refused("code_static")
    if why not in {None, "no_visits_left"}:
        return refused(why)
    if day < code["first_day"]:
        return refused("not_yet_valid")
    last_day = datetime.fromisoformat(code["last_day"]) + timedelta(days=e["longer"])
    if day > min(last_day.date().isoformat(), e["last_day"] or "9999"):
        return refused("expired")
    if not e["covers"]:
        return refused("spot_not_covered")
    bound = base64.b64decode(parts["bound"]["serials"]).hex()
    listed = [bound[n : n + 16] for n in range(0, len(bound), 16)]
    if e["bound"] and serial not in listed and code["first_day"] < parts["bound"]["since"]:
        return refused("spot_not_covered")
    if k["admits"] in {"spot_withdrawn", "spot_closed"}:
        return refused(k["admits"])
    if stopped:
        return refused("entry_stopped")
    if k["admits"] == "blackout":
        return refused("blackout")
    clock = at.astimezone(ZONE).time().isoformat()
    if k["admits"] == "outside_hours" or (
        k["hours"] and not any(opens <= clock < closes for opens, closes in k["hours"])
    ):
        return refused("outside_hours")
    if is_free and kind_of == "turnstile":
        return refused("already_today")
    if not is_free and not joins:
        reason = None
        if e["per_spot_day"] is not None and past["visits"] >= e["per_spot_day"]:
            reason = "already_today"
        elif (e["per_spot"] is not None and past["here"] >= e["per_spot"]) or why:
            reason = "no_visits_left"
        if reason:
            return refused("party_too_large" if follow else reason)
        minutes, last = e["minutes_between"], past["last_at"]
        if minutes and last and at < datetime.fromisoformat(last) + timedelta(minutes=minutes):
            return refused("too_soon")
    if not is_free and wanted > let_in:
        return refused("party_too_large")
    is_rest = joins and not is_free
    if step is not None and step in past["steps"] and purpose != "pay" and not is_rest:
        return refused("code_spent")
    payers = pays if e["payment"] == "at_window" else 0
    owed = 0
    if payers and not is_free:
        owed = max(0, past["due"] + more_due(past, wanted, let_in, payers) - past["paid"])
    if owed and kind_of != "window":
        return refused("pay_at_window")
    # 10
    amount = owed * k["each_fen"] if payers and k["each_fen"] is not None else None
    category = past["free"] if is_free else None
    if purpose == "pay":
        return granted(pays=owed, amount_fen=amount, category=category)
    free = dict(asked["free"])
    if category:
        free[category] = free.get(category, 0) + 1
    return granted(
        admits=(0 if is_free else wanted) + sum(free.values()),
        pays=owed,
        amount_fen=amount,
        category=category,
        free=free,
        check_identity=kind_of != "turnstile" and (bool(free) or printed or e["voucher"]),
    )


def past_of(  # noqa: C901, PLR0912 - as the page
    parts: Mapping[str, Any], e: Json, serial: str, known: list[Json], today: str
) -> Json:
    """Step 4."""
    past: Json = dict.fromkeys(("visits", "here", "places", "away", "due", "paid"), 0)
    past |= {"last_at": None, "steps": [], "free": None}
    day, counts = None, ("visits", "places", "away", "due", "paid")
    hours = [name for name in sorted(parts) if name.startswith("day:") and serial in parts[name]]
    if hours:
        past |= parts[hours[-1]][serial]
        day = DAYS[0]
    else:
        spent = base64.b64decode(parts["spent"]["hashes"])
        told_of = b"BPB1 spent" + SPOT.encode() + bytes.fromhex(serial)
        if hashlib.sha256(told_of).digest()[:6] in {
            spent[n : n + 6] for n in range(0, len(spent), 6)
        }:
            past["here"] = e["per_spot"] or 0
    free_today = past["free"] if today == DAYS[0] else None
    for each in sorted((k for k in known if k["serial"] == serial), key=lambda k: k["at"]):
        on = datetime.fromisoformat(each["at"]).astimezone(ZONE).date().isoformat()
        counted = each["kind"] == "pay" or (each["kind"] == "enter" and each["free"] is None)
        earlier = counted and day is not None and on < day
        if counted and not earlier and on != day:
            past |= dict.fromkeys(counts, 0)
            day = on
        follow = past["places"] + past["away"]
        if earlier:
            past["here"] += each["kind"] == "enter"
        elif each["kind"] == "pay":
            past["paid"] += each["paid"]
        elif counted:
            past["due"] += more_due(past, each["people"], each["room"], each["payers"])
            past["paid"] += each["paid"]
            if each["people"] <= follow:
                back = min(past["away"], each["people"])
                past["away"] -= back
                past["places"] -= each["people"] - back
            else:
                past["visits"] += 1
                past["here"] += 1
                past["last_at"], past["away"] = each["at"], 0
                past["places"] = max(0, each["room"] - each["people"])
        if each["kind"] == "enter":
            past["steps"] = [*past["steps"], each["step"]]
            if each["free"] and on == today:
                free_today = each["free"]
        if each["kind"] == "leave" and e["re_entry"]:
            free_today = None
            if on == day and past["visits"]:
                past["away"] += max(0, min(each["people"], each["room"] - follow))
    if day != today:
        past |= dict.fromkeys(counts, 0)
    return past | {"free": free_today}


def more_due(past: Json, people: int, room: int, payers: int) -> int:
    if people > past["places"] + past["away"]:
        return min(payers, people)
    came, new = room - past["places"], max(0, people - past["away"])
    more: int = min(payers, came + new) - min(payers, came)
    return more


def refused(reason: str) -> Json:
    return {"reason": reason, **_NOTHING}


_NOTHING: Json = {
    "admits": 0,
    "pays": 0,
    "amount_fen": None,
    "check_identity": False,
    "category": None,
    "free": {},
    "leaving": False,
}


def granted(**told_of: Any) -> Json:
    return {"reason": "ok", **_NOTHING, **told_of}


# What is asked.


def known(serial: str = FIRST, minutes: float = 5, **changes: Any) -> Json:
    usual = {
        "serial": serial,
        "at": instant(NOW - timedelta(minutes=minutes)),
        "kind": "enter",
        "people": 1,
        "room": 1,
        "payers": 0,
        "paid": 0,
        "step": None,
        "gate": HANDHELD,
        "party": None,
        "free": None,
    }
    return usual | changes


def asked(
    name: str,
    product: int = ANNUAL,
    serial: str = FIRST,
    *journal: Json,
    gate: str = TURNSTILE,
    purpose: str = "enter",
    party: int | None = None,
    free: Mapping[str, int] | None = None,
    of: str = "usual",
    minutes: float = 0,
    unsound: str | None = None,
    shown: str | None = None,
    shown_before: float = 0,
    **of_code: Any,
) -> Json:
    """A question; `of_code` is what the code says otherwise, `shown_before` how many minutes before
    it was drawn."""
    now = NOW + timedelta(minutes=minutes)
    code: Json | None = (
        CODE | {"pass_id": serial, "product_number": product, "rotating": True} | of_code
    )
    assert code is not None
    raw, drawn = signed(content(code), code["key_id"]), now - timedelta(minutes=shown_before)
    if code["rotating"]:
        raw = tail(raw, drawn, serial)
    question = {
        "name": name,
        "bundle": of,
        "gate": gate,
        "text": shown or text(raw),
        "purpose": purpose,
        "party": party,
        "free": dict(free or {}),
        "now": now.isoformat(),
        "known": list(journal),
    }
    step = int(drawn.timestamp()) // 30 if code["rotating"] else None
    inner = {"code": None if shown else code, "step": step, "unsound": unsound}
    verdict = decide(GOOD[of][0], question | inner)
    return question | {"kind": KINDS[gate], "verdict": verdict}


def decisions() -> list[Json]:
    paper: Json = {"rotating": False}
    gone: Json = {"first_day": "2025-07-01", "last_day": "2026-06-30"}
    return [
        asked("admitted"),
        asked("admitted tomorrow", minutes=1_440),
        asked("admitted on the last day", minutes=7 * 1_440),
        asked("a second after the last day", minutes=7 * 1_440 + 1 / 60),
        asked("the clock is a day behind", minutes=-1_440),
        asked("a code of before midnight", minutes=-600, shown_before=0.25),
        asked("a code of one step ago", shown_before=0.5),
        asked("a screenshot", shown_before=5, unsound="code_stale"),
        asked("a code of a month ago", shown_before=44_640, unsound="code_stale", shown=None),
        asked("no code", unsound="code_malformed", shown="https://example.org/"),
        asked("a key that has ended", key_id=1, unsound="code_forged"),
        asked("paper at a turnstile", **paper),
        asked("paper at a handheld", gate=HANDHELD, **paper),
        asked("at a disabled gate", gate=OFF),
        asked("leaving at a disabled gate", gate=OFF, purpose="leave"),
        asked("an edition that is not known", UNKNOWN),
        asked("an edition that does not cover the spot", NOT_HERE),
        asked("closed", CLOSED),
        asked("blackout", BLACKOUT),
        asked("withdrawn", WITHDRAWN),
        asked("no hour at all", NO_HOUR),
        asked("between two spans", TWO_SPANS),
        asked("in the second span", TWO_SPANS, minutes=300),
        asked("seconds before it closes", JUST_OPEN),
        asked("as it closes", JUST_OPEN, minutes=1 / 60),
        asked("not today", TOMORROW),
        asked("but tomorrow", TOMORROW, minutes=1_440),
        asked("not yet valid", first_day="2026-07-02"),
        asked("expired", **gone),
        asked("may be valid longer", LONGER, **gone),
        asked("no longer than that", LONGER, first_day="2025-01-01", last_day="2026-05-31"),
        asked("never after the last day of all", LASTS),
        asked("revoked", ANNUAL, REVOKED),
        asked("used up", ANNUAL, USED_UP),
        asked("used up, and not today anyway", BLACKOUT, USED_UP),
        asked("in the filter", ANNUAL, FILTERED),
        asked("in the filter and allowed", ANNUAL, ALLOWED),
        asked("the rest of a family that is used up", FAMILY, FAMILY_USED_UP, gate=WINDOW, party=2),
        asked("too many of the rest of it", FAMILY, FAMILY_USED_UP, gate=WINDOW, party=3),
        asked("leaving, revoked today", ANNUAL, OUT, purpose="leave"),
        asked("leaving, revoked before", ANNUAL, REVOKED, purpose="leave"),
        asked("leaving, in the filter", ANNUAL, FILTERED, purpose="leave"),
        asked("leaving two at a time", FAMILY, PARTLY, purpose="leave", party=2),
        asked("here today by the bundle", ANNUAL, HERE),
        asked("here yesterday by the bundle", ANNUAL, HERE, minutes=1_440),
        asked("here today by the journal", ANNUAL, FIRST, known()),
        asked("annulled, so not known", ANNUAL, FIRST, known(SECOND)),
        asked("here yesterday by the journal", ANNUAL, FIRST, known(), minutes=1_440),
        asked("twice a day, once here", TWICE, HERE),
        asked("twice a day, twice here", TWICE, HERE, known(HERE)),
        asked("too soon by the bundle", SPACED, HERE, minutes=-31),
        asked("late enough", SPACED, HERE),
        asked("too soon by the journal", SPACED, FIRST, known(minutes=59)),
        asked("nothing left this season", THREE, SPENT),
        asked("of no limit here", ANNUAL, SPENT),
        asked("the third of three", THREE, HERE, known(HERE, 10)),
        asked("the fourth of three", THREE, HERE, known(HERE, 10), known(HERE, 5)),
        asked(
            "a visit of yesterday that was not sent",
            THREE,
            HERE,
            known(HERE, 1_440),
            known(HERE, 5),
        ),
        asked("read twice", ANNUAL, FIRST, known(minutes=2 / 60, gate=TURNSTILE)),
        asked("read twice at two gates", ANNUAL, FIRST, known(minutes=2 / 60)),
        asked(
            "read twice, a number named",
            TWICE,
            FIRST,
            known(minutes=2 / 60, gate=TURNSTILE, party=1),
        ),
        asked("read twice, revoked", ANNUAL, REVOKED, known(REVOKED, 2 / 60, gate=TURNSTILE)),
        asked(
            "read twice, stale",
            ANNUAL,
            FIRST,
            known(minutes=2 / 60, gate=TURNSTILE),
            shown_before=5,
            unsound="code_stale",
        ),
        asked("after four seconds", ANNUAL, FIRST, known(minutes=4 / 60, gate=TURNSTILE)),
        asked("a code that has opened a gate", TWICE, FIRST, known(step=STEP, minutes=0.1)),
        asked("the same code for the rest of a party", FAMILY, PARTLY, gate=WINDOW, party=2),
        asked("another code of the same pass", TWICE, FIRST, known(step=STEP - 10)),
        asked(
            "the same code to pay",
            OFTEN,
            FIRST,
            known(step=STEP, minutes=0.1),
            gate=WINDOW,
            purpose="pay",
        ),
        asked("a family at a turnstile", FAMILY),
        asked("a family at the window", FAMILY, gate=WINDOW),
        asked("one of a family", FAMILY, gate=WINDOW, party=1),
        asked("five of a family", FAMILY, gate=WINDOW, party=5),
        asked("a family that has paid", FAMILY, PAID),
        asked(
            "a family of which one has paid",
            FAMILY,
            FIRST,
            known(kind="pay", people=0, paid=1),
            gate=WINDOW,
        ),
        asked("who pays at the window and enters elsewhere", FAMILY, gate=WINDOW, purpose="pay"),
        asked("who has paid all", FAMILY, PAID, gate=WINDOW, purpose="pay"),
        asked("paid yesterday", FAMILY, FIRST, known(kind="pay", people=0, paid=2, minutes=1_440)),
        asked(
            "the second of a family pays, too",
            FAMILY,
            FIRST,
            known(people=1, room=4, payers=2, paid=1, party=1),
            gate=WINDOW,
            party=1,
        ),
        asked(
            "the third of a family does not",
            FAMILY,
            FIRST,
            known(people=2, room=4, payers=2, paid=2, party=2),
            party=1,
        ),
        asked("the rest of a paid family", FOUR_PAID, PARTLY, shown_before=0.5),
        asked("a pair", PAIR, gate=WINDOW),
        asked("half the price", HALF, gate=WINDOW),
        asked("half the price at a handheld", HALF, gate=HANDHELD),
        asked("came back", RETURN, AWAY),
        asked("left by the journal and came back", RETURN, HERE, known(HERE, kind="leave")),
        asked("left where nobody may come back", ANNUAL, HERE, known(HERE, kind="leave")),
        asked(
            "left twice, came back once",
            RETURN,
            HERE,
            known(HERE, 9, kind="leave"),
            known(HERE, 8, kind="leave"),
            known(HERE, 7),
        ),
        asked("came in free, at a turnstile", ANNUAL, SENIOR),
        asked("came in free, at a handheld", ANNUAL, SENIOR, gate=HANDHELD),
        asked("came in free yesterday", ANNUAL, SENIOR, minutes=1_440),
        asked("came in free by the journal", ANNUAL, FIRST, known(people=0, free="child")),
        asked("came in free, and left", RETURN, SENIOR, known(SENIOR, kind="leave")),
        asked("came in free, with a family", FOUR_PAID, SENIOR, gate=HANDHELD),
        asked("two children beside", ANNUAL, gate=HANDHELD, free={"child": 2}),
        asked("a senior beside a senior", ANNUAL, SENIOR, gate=HANDHELD, free={"senior": 1}),
        asked("children beside at a turnstile", ANNUAL, free={"child": 2}),
        asked("a soldier, who is not free here", ANNUAL, gate=HANDHELD, free={"soldier": 1}),
        asked("chosen here", CHOSEN, BOUND, first_day="2026-06-01"),
        asked("chosen elsewhere", CHOSEN, FIRST, first_day="2026-06-01"),
        asked("chosen lately", CHOSEN, FIRST),
        asked("entry stopped", of="stopped"),
        asked("entry not stopped any more", of="stopped", minutes=120),
        asked("stopped, and closed", CLOSED, of="stopped"),
        asked("stopped, and a blackout", BLACKOUT, of="stopped"),
        asked("leaving while entry is stopped", of="stopped", purpose="leave"),
        asked("emergency", of="emergency"),
        asked("emergency, paper at a turnstile", of="emergency", **paper),
        asked("the journal is two minutes ahead", SPACED, FIRST, known(minutes=-2)),
        asked("the journal is an hour ahead", SPACED, FIRST, known(minutes=-60)),
    ]


def main() -> None:
    document = {
        "version": 1,
        "about": "Bundles of format 1, filters, and what a gate decides alone. Keys are for tests.",
        "trusted": [
            {"id": 7, "public": public(BUNDLE_KEYS[7])},
            {"id": 8, "public": public(BUNDLE_KEYS[8])},
        ],
        "bundles": bundles(),
        "filters": filters(),
        "decisions": decisions(),
    }
    file = Path(__file__).parent / "bundle.json"
    file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
