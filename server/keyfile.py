"""The key file: every secret of a system, one JSON file with mode 0600.

Made at the first start and needed for ever: codes, tokens and identities are worthless without it.
The database remembers a fingerprint, so that a start with another key file, or with a lost one, is
refused instead of silently making every pass a forgery.
"""

import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from passes.admission.offline.bundle import BundleKey
from passes.base.faults import faults_of
from passes.codes.keys import Keyring, KeyUse, SigningKey
from passes.people.identity import Sealer
from passes.people.sealing import Vault
from passes.store.database import Database
from server.datadir import open_for_owner
from server.errors import StartError

_SECRET_BYTES = 32
_LAST_DAY = date(2199, 12, 31)  # of a signing key: later than the last day that a code can name


class _KeyFileModel(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, ser_json_bytes="base64", val_json_bytes="base64"
    )


MOST_KEYS = 255
"""How many keys of one use there can be, ever: an id is one byte in a code."""
_KeyId = Annotated[int, Field(strict=True, ge=1, le=MOST_KEYS)]
_Bytes32 = Annotated[bytes, Field(min_length=_SECRET_BYTES, max_length=_SECRET_BYTES)]


class _SigningKey(_KeyFileModel):
    id: _KeyId
    private: _Bytes32
    last_day: date


class _Secret(_KeyFileModel):
    id: _KeyId
    secret: _Bytes32


class _KeyFile(_KeyFileModel):
    signing: tuple[_SigningKey, ...] = Field(min_length=1)
    master: _Bytes32
    identity: tuple[_Secret, ...] = Field(min_length=1)
    pepper: _Bytes32
    tokens: tuple[_Secret, ...] = Field(min_length=1)
    epoch: Annotated[int, Field(strict=True, ge=0)] = 0
    bundles: tuple[_Secret, ...] = ()
    """Empty in a file of an older version, until the next start."""

    @model_validator(mode="after")
    def _each_id_once(self) -> Self:
        for name, keys in (
            ("signing", self.signing),
            ("identity", self.identity),
            ("tokens", self.tokens),
            ("bundles", self.bundles),
        ):
            ids = [key.id for key in keys]
            if len(set(ids)) < len(ids):
                raise ValueError(f"an id stands twice in {name}")
        return self


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a system, by use.

    `fingerprint` tells one system from another and is no secret. `epoch` counts how often all
    tokens were withdrawn (`server.epoch`). `bundles` sign what gates decide by without a line.
    """

    codes: Keyring
    identities: Sealer
    vault: Vault
    tokens: dict[int, bytes]
    fingerprint: str
    epoch: int = 0
    bundles: tuple[BundleKey, ...] = ()


def load_keys(file: Path) -> Keys:
    """The keys in a key file. Raises `StartError` if it is missing, open to others or broken."""
    held = _read(file)
    vault = Vault(_identity_keys(held), held.pepper, lambda: _identity_keys(_read(file)))
    return Keys(
        codes=Keyring(
            _signing_keys(held),
            held.master,
            held.epoch,
            lambda: _signing_keys(_read(file)),
        ),
        identities=Sealer(vault),
        vault=vault,
        tokens={key.id: key.secret for key in held.tokens},
        fingerprint=sha256(b"bashu fingerprint" + held.master).hexdigest()[:16],
        epoch=held.epoch,
        bundles=tuple(
            BundleKey(key.id, Ed25519PrivateKey.from_private_bytes(key.secret))
            for key in held.bundles
        ),
    )


def _read(file: Path) -> _KeyFile:
    try:
        if file.stat().st_mode & 0o077:
            raise StartError(f"{file} can be read by others; run: chmod 600 {file}")
        return _KeyFile.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        raise StartError(f"there is no key file {file}") from None
    except OSError as error:
        raise StartError(f"the key file {file} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        faults = "; ".join(f"{path}: {what}" for path, what in faults_of(error))
        raise StartError(
            f"the key file {file} is broken, bring back its backup: {faults}"
        ) from None


def _signing_keys(held: _KeyFile) -> list[SigningKey]:
    private = Ed25519PrivateKey.from_private_bytes
    return [SigningKey(key.id, private(key.private), key.last_day) for key in held.signing]


def _identity_keys(held: _KeyFile) -> dict[int, bytes]:
    return {key.id: key.secret for key in held.identity}


def make_keys(file: Path) -> None:
    """Write a key file with fresh keys. Raises `FileExistsError` rather than overwrite one."""
    fresh = _KeyFile(
        signing=(_SigningKey(id=1, private=_random(), last_day=_LAST_DAY),),
        master=_random(),
        identity=(_Secret(id=1, secret=_random()),),
        pepper=_random(),
        tokens=(_Secret(id=1, secret=_random()),),
        bundles=(_Secret(id=1, secret=_random()),),
    )
    with _locked(file):
        aside = _written_aside(fresh, file)
        try:
            os.link(aside, file)
        finally:
            aside.unlink()
        _flush(file.parent)


def key_rows(file: Path) -> list[dict[str, object]]:
    """What can be said of the keys in a key file: their use and id, which of them are used for what
    is new, and the last day on which they are trusted; only keys of codes have one."""
    held = _read(file)
    uses = {
        "codes": [key.id for key in held.signing],
        "identities": [key.id for key in held.identity],
        "tokens": [key.id for key in held.tokens],
        "bundles": [key.id for key in held.bundles],
    }
    last_days = {("codes", key.id): key.last_day for key in held.signing}
    return [
        {
            "use": use,
            "id": key_id,
            "newest": key_id == max(ids),
            "last_day": last_days.get((use, key_id)),
        }
        for use, ids in uses.items()
        for key_id in ids
    ]


def add_identity_key(file: Path) -> int:
    """Add a key that seals from now on, and return its id. Raises `StartError`, also when all 255
    ids are used up.

    Of two processes that do so at once each adds its own, for a key that is lost loses what it has
    sealed.
    """
    with _locked(file):
        held = _read(file)
        key_id = max(key.id for key in held.identity) + 1
        if key_id > MOST_KEYS:
            raise StartError(f"the key file {file} has no room for another identity key")
        added = _Secret(id=key_id, secret=_random())
        _put_in_place(held.model_copy(update={"identity": (*held.identity, added)}), file)
    return key_id


def ensure_bundle_key(file: Path) -> None:
    """Add a key that signs bundles to a key file that has none yet. Raises `StartError`."""
    if _read(file).bundles:
        return
    with _locked(file):
        held = _read(file)
        if not held.bundles:  # else another process was first
            added = _Secret(id=1, secret=_random())
            _put_in_place(held.model_copy(update={"bundles": (added,)}), file)


def add_signing_key(file: Path) -> int:
    """Add a key that may sign codes, and return its id. Raises `StartError`, also when all 255 ids
    are used up."""
    with _locked(file):
        held = _read(file)
        key_id = max(key.id for key in held.signing) + 1
        if key_id > MOST_KEYS:
            raise StartError(f"the key file {file} has no room for another signing key")
        added = _SigningKey(id=key_id, private=_random(), last_day=_LAST_DAY)
        _put_in_place(held.model_copy(update={"signing": (*held.signing, added)}), file)
    return key_id


def begin_epoch(file: Path, after: int) -> int:
    """Raise the epoch of a key file above its own and that of the database, and return it."""
    with _locked(file):
        held = _read(file)
        epoch = max(held.epoch, after) + 1
        _put_in_place(held.model_copy(update={"epoch": epoch}), file)
    return epoch


def _put_in_place(content: _KeyFile, file: Path) -> None:
    _written_aside(content, file).replace(file)
    _flush(file.parent)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Keep other processes from writing the key file meanwhile."""
    with open_for_owner(file.with_suffix(".lock"), "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _flush(folder: Path) -> None:
    """Return once the names in a folder are on the disk, before anything is sealed with a key that
    stands there."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _written_aside(content: _KeyFile, file: Path) -> Path:
    """A new file beside a key file, to be put into place in one step: a crash leaves a whole key
    file, or none."""
    aside = file.with_suffix(".new")
    aside.unlink(missing_ok=True)  # left by a crash
    with os.fdopen(
        os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as out:
        out.write(content.model_dump_json(indent=2))
        out.flush()
        os.fsync(out.fileno())
    return aside


async def keys_for(database: Database, file: Path) -> Keys:
    """The keys that this database has been used with; made now if it was never used.

    Raises `StartError` if the key file is missing or is that of another system.
    """
    settings = database.collection("settings")
    known = await settings.get({"_id": "keys"})
    if known is None and not file.exists():
        make_keys(file)
    keys = load_keys(file)
    if known is None:
        await settings.insert({"_id": "keys", "fingerprint": keys.fingerprint})
        known = await settings.get({"_id": "keys"})
    # Since schema 2 the number of the schema stands before it (`passes.store.migrations`).
    fingerprint = known["fingerprint"].rpartition(":")[2] if known else None
    if fingerprint != keys.fingerprint:
        raise StartError(
            f"{file} does not hold the keys of this database; "
            "bring back the key file it was used with"
        )
    if keys.bundles:
        return keys
    ensure_bundle_key(file)
    return load_keys(file)


def check_announced(codes: Keyring, uses: Iterable[KeyUse]) -> None:
    """Raise `StartError` if the key file lacks a signing key that other servers know: this one
    would refuse honest passes."""
    announced = {use.id for use in uses if use.announced_at is not None}
    missing = sorted(announced - set(codes.known()))
    if missing:
        raise StartError(
            f"the key file has no signing key {missing[0]}, which other servers know; "
            "copy the key file of one of them"
        )


def _random() -> bytes:
    return secrets.token_bytes(_SECRET_BYTES)
