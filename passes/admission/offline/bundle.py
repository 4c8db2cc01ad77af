"""The bundle: all that a gate needs to decide alone, as one signed file of parts.

A part is named by the SHA-256 of its bytes, so that a gate which holds some of them is sent only
the others. The manifest names all of them and is what is signed, by a key of its own that a gate
has pinned when it enrolled. A bundle has a version, of which none goes back.

The format stands in docs/gate-protocol.md, "Deciding alone". Knows nothing of how a bundle is made
(`making`), or what follows from it (`alone`).
"""

import json
import struct
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from passes.admission.offline import flat
from passes.admission.offline.cascade import Cascade
from passes.admission.offline.cascade import decode as decode_cascade
from passes.admission.offline.flat import (
    Bound,
    Changes,
    GateRow,
    Json,
    Rules,
    State,
)
from passes.codes.keys import GateKeys

FORMAT = 1
MAGIC = b"BPB1"
GOOD_FOR = timedelta(days=7)
"""For how long a gate decides with a bundle: as long as phones can show codes without signal."""
WARN_AFTER = timedelta(hours=24)
"""From which age on a gate tells that it needs a newer one."""
DAYS = 8
"""For how many business days a bundle says what holds: for all that it is good on."""
SHORT_DIGEST = 16
"""How many hexadecimal digits of the SHA-256 of a part name it, and of the manifest the bundle."""
SPENT_CONTEXT = b"BPB1 spent"

_HEADER = struct.Struct(">4sB64s")
_LENGTH = struct.Struct(">I")
_MOST_BYTES = 64 * 1024 * 1024
"""Of one part, packed or not: more is not ours."""

T = TypeVar("T")


class Refusal(StrEnum):
    """Why a gate does not take a bundle."""

    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown_key"
    FORGED = "forged"
    UNKNOWN_FORMAT = "unknown_format"
    MISSING_PART = "missing_part"
    DAMAGED_PART = "damaged_part"
    OTHER_SPOT = "other_spot"
    OLDER = "older"


class BundleRefused(Exception):
    """A bundle that a gate does not take; it goes on with the one that it has. `why` is stable,
    the message says in words what to do."""

    def __init__(self, why: Refusal, what: str) -> None:
        """`what` is in English, for whoever makes or keeps the gate."""
        super().__init__(what)
        self.why = why


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """Which of two bundles of a spot is the newer one.

    `number` are the milliseconds of its making since 1970; `epoch`, that of the key file, comes
    first: after a backup is restored it is raised, so that no gate waits for a clock to catch up.
    """

    epoch: int
    number: int


@dataclass(frozen=True, slots=True)
class BundleKey:
    """The key that signs bundles: it signs nothing else."""

    id: int
    private: Ed25519PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a gate knows of the world.

    `states` are what happened here today by serial, in parts by hour: `hours` names them. `keys`
    are those of codes, `bundle_keys` those that may sign the next bundle, by id.
    """

    spot_id: str
    epoch: int
    made_at: datetime
    rules: Rules
    keys: GateKeys = field(repr=False)
    gates: tuple[GateRow, ...] = ()
    cascade: Cascade = field(default_factory=lambda: Cascade(bytes(8)))
    changes: Changes = field(default_factory=Changes)
    spent: frozenset[bytes] = frozenset()
    bound: Bound | None = None
    hours: Mapping[str, Mapping[str, State]] = field(default_factory=dict)
    bundle_keys: Mapping[int, Ed25519PublicKey] = field(default_factory=dict)

    @property
    def version(self) -> Version:
        """Its version."""
        return Version(self.epoch, round(self.made_at.timestamp() * 1000))

    @property
    def good_until(self) -> datetime:
        """Until when a gate may decide with it."""
        return self.made_at + GOOD_FOR

    def is_old(self, at: datetime) -> bool:
        """Whether staff should be told that the gate needs a newer one."""
        return at - self.made_at > WARN_AFTER

    def states(self) -> dict[str, State]:
        """What happened here today, by serial: of a pass in several hours the last one counts."""
        found: dict[str, State] = {}
        for hour in sorted(self.hours):
            found |= self.hours[hour]
        return found


@dataclass(frozen=True, slots=True)
class Package:
    """A signed bundle as it travels and is kept: the manifest, and the bytes of parts by name."""

    key_id: int
    signature: bytes
    manifest: bytes
    parts: Mapping[str, bytes] = field(repr=False)

    @property
    def etag(self) -> str:
        """What names exactly this bundle: 16 hexadecimal digits."""
        return digest_of(self.manifest)


def digest_of(raw: bytes) -> str:
    """The name of a part by its content, or of a manifest: 16 hexadecimal digits."""
    return sha256(raw).hexdigest()[:SHORT_DIGEST]


def hash_of_spent(spot_id: str, serial: str) -> bytes:
    """By which a serial stands in the part `spent` of a spot."""
    told = SPENT_CONTEXT + spot_id.encode() + bytes.fromhex(serial)
    return sha256(told).digest()[: flat.SPENT_BYTES]


def sign(bundle: Bundle, key: BundleKey) -> Package:
    """A bundle as a gate takes it."""
    parts = _parts_of(bundle)
    manifest = {
        "format": FORMAT,
        "spot": bundle.spot_id,
        "epoch": bundle.epoch,
        "number": bundle.version.number,
        "made_at": flat.instant_to(bundle.made_at),
        "good_until": flat.instant_to(bundle.good_until),
        "keys": [
            {"id": key_id, "public": flat.public_to(public)}
            for key_id, public in sorted(bundle.bundle_keys.items())
        ],
        "parts": [
            {"name": name, "sha256": sha256(raw).hexdigest(), "bytes": len(raw)}
            for name, raw in parts.items()
        ],
    }
    raw = _dumped(manifest)
    return Package(key.id, key.private.sign(MAGIC + raw), raw, parts)


def encode(package: Package, have: Collection[str] = ()) -> bytes:
    """The bytes of a bundle, without the parts that whoever asks `have`, by their short digests.

    These leave out nothing but parts, so it is the delta, too.
    """
    out = [
        _HEADER.pack(MAGIC, package.key_id, package.signature),
        _LENGTH.pack(len(package.manifest)),
        package.manifest,
    ]
    for raw in package.parts.values():
        if digest_of(raw) not in have:
            out += [_LENGTH.pack(len(raw)), raw]
    return b"".join(out)


def decode(
    raw: bytes,
    trusted: Mapping[int, Ed25519PublicKey],
    held: Mapping[str, bytes] | None = None,
) -> Package:
    """The package in some bytes, proven to be ours and whole. Raises `BundleRefused`.

    `trusted` are the bundle keys that are known by id, `held` parts that were not sent because they
    were in `have`, by short digest.
    """
    # 1. The manifest is signed by a key that we know.
    reader = _Reader(raw)
    magic, key_id, signature = _HEADER.unpack(reader.take(_HEADER.size))
    if magic != MAGIC:
        raise BundleRefused(Refusal.MALFORMED, "this is no bundle")
    manifest = reader.take_counted()
    public = trusted.get(key_id)
    if public is None:
        what = f"signed by bundle key {key_id}, which this gate does not know: enrol it again"
        raise BundleRefused(Refusal.UNKNOWN_KEY, what)
    try:
        public.verify(signature, MAGIC + manifest)
    except InvalidSignature:
        what = f"the signature is not that of bundle key {key_id}: ask the server again"
        raise BundleRefused(Refusal.FORGED, what) from None

    # 2. Each part is the one that it names: sent, or held.
    parts: dict[str, bytes] = {}
    for name, wanted in _named_parts(manifest):
        found = (held or {}).get(wanted[:SHORT_DIGEST])
        if found is None:
            if reader.at_end:
                what = f"part {name} is missing: ask again without `have`"
                raise BundleRefused(Refusal.MISSING_PART, what)
            found = reader.take_counted()
        if sha256(found).hexdigest() != wanted:
            what = f"part {name} is damaged: ask again without `have`"
            raise BundleRefused(Refusal.DAMAGED_PART, what)
        parts[name] = found
    if not reader.at_end:
        raise BundleRefused(Refusal.MALFORMED, "something follows the last part")
    return Package(key_id, signature, manifest, parts)


def opened(package: Package) -> Bundle:
    """The bundle in a package that `decode` has proven, or `sign` has made.

    Raises `BundleRefused` for one that this program is too old to read.
    """
    manifest = json.loads(package.manifest)
    if manifest.get("format") != FORMAT:
        what = f"bundles have format {manifest.get('format')}: the program of this gate is too old"
        raise BundleRefused(Refusal.UNKNOWN_FORMAT, what)
    parts = package.parts
    hours = {
        name.removeprefix("day:"): _read(parts, name, flat.states_of)
        for name in parts
        if name.startswith("day:")
    }
    return Bundle(
        spot_id=manifest["spot"],
        epoch=manifest["epoch"],
        made_at=flat.instant_of(manifest["made_at"]),
        rules=_read(parts, "rules", flat.rules_of),
        keys=_read(parts, "keys", flat.keys_of),
        gates=_read(parts, "gates", flat.gates_of),
        cascade=_cascade_in(parts),
        changes=_read(parts, "changes", flat.changes_of),
        spent=_read(parts, "spent", flat.spent_of),
        bound=_read(parts, "bound", flat.bound_of),
        hours=hours,
        bundle_keys={each["id"]: flat.public_of(each["public"]) for each in manifest["keys"]},
    )


def check_follows(bundle: Bundle, spot_id: str, newest: Version | None) -> None:
    """Raise `BundleRefused` for a bundle of another spot, or older than the newest one that this
    gate has ever taken."""
    if bundle.spot_id != spot_id:
        what = f"it is the bundle of {bundle.spot_id}, and this gate stands at {spot_id}"
        raise BundleRefused(Refusal.OTHER_SPOT, what)
    if newest is not None and bundle.version < newest:
        what = f"it was made at {bundle.made_at}, before the one that this gate has taken"
        raise BundleRefused(Refusal.OLDER, what)


def _parts_of(bundle: Bundle) -> dict[str, bytes]:
    """The bytes of each part, in order."""
    parts = {
        "rules": flat.rules_to(bundle.rules),
        "keys": flat.keys_to(bundle.keys),
        "gates": flat.gates_to(bundle.gates),
        "changes": flat.changes_to(bundle.changes),
        "spent": flat.spent_to(bundle.spent),
        "bound": flat.bound_to(bundle.bound or Bound(bundle.rules.days[0])),
    }
    for hour, states in sorted(bundle.hours.items()):
        parts[f"day:{hour}"] = flat.states_to(states)
    packed = {name: _packed(value) for name, value in parts.items()}
    return {**packed, "filter": bundle.cascade.encode()}


def _packed(value: Json) -> bytes:
    return zlib.compress(_dumped(value), 9)


def _dumped(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _read(parts: Mapping[str, bytes], name: str, read: Callable[[Json], T]) -> T:
    """What stands in a part. Its bytes are those that were signed, so one that cannot be read was
    made by another version of the program. Raises `BundleRefused`."""
    try:
        # Cut at a length that no part of ours has, and then no JSON.
        plain = zlib.decompressobj().decompress(parts[name], _MOST_BYTES)
        return read(json.loads(plain))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, zlib.error) as error:
        raise _unreadable(name) from error


def _cascade_in(parts: Mapping[str, bytes]) -> Cascade:
    try:
        return decode_cascade(parts["filter"])
    except (KeyError, ValueError) as error:
        raise _unreadable("filter") from error


def _unreadable(name: str) -> BundleRefused:
    what = f"part {name} cannot be read: the program of this gate may be too old"
    return BundleRefused(Refusal.UNKNOWN_FORMAT, what)


def _named_parts(manifest: bytes) -> list[tuple[str, str]]:
    """The parts in a manifest, each with the SHA-256 of its bytes. Raises `BundleRefused`."""
    try:
        found = json.loads(manifest)
        return [(str(each["name"]), str(each["sha256"])) for each in found["parts"]]
    except (KeyError, TypeError, ValueError):
        raise BundleRefused(Refusal.UNKNOWN_FORMAT, "the manifest cannot be read") from None


class _Reader:
    """Reads some bytes from their beginning on."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at == len(self._raw)

    def take(self, size: int) -> bytes:
        """The next so many bytes. Raises `BundleRefused` if there are fewer."""
        taken = self._raw[self._at : self._at + size]
        if len(taken) < size:
            raise BundleRefused(Refusal.MALFORMED, "the bundle is cut short: ask again")
        self._at += size
        return taken

    def take_counted(self) -> bytes:
        """The next bytes, whose number stands before them."""
        (size,) = _LENGTH.unpack(self.take(_LENGTH.size))
        return self.take(size)
