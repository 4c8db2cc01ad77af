"""The keys of a Bashu Pass system: who may issue codes, and who may see that they are fresh.

Pure values; reading and writing the key file is `server.keyfile`.
"""

import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_DAY_KEYS_KEPT = 16
"""How many day keys are cached: a week ahead for phones, and the days around today for gates."""


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """The public half of a signing key, trusted up to and including `last_day`."""

    id: int
    public: Ed25519PublicKey
    last_day: date

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether this key signed the message."""
        try:
            self.public.verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that issues codes. `id` is 1 to 255 and stands in every code it signs."""

    id: int
    private: Ed25519PrivateKey
    last_day: date

    @property
    def verifying(self) -> VerifyingKey:
        """The half that gates hold."""
        return VerifyingKey(self.id, self.private.public_key(), self.last_day)


@dataclass(frozen=True, slots=True)
class KeyUse:
    """What operators have decided about a signing key, `id`; its private half is in the key file.

    Of keys that have signed the one with the latest `signs_since` signs.
    """

    id: int
    made_at: datetime
    announced_at: datetime | None = None
    """When every running server knew it."""
    signs_since: datetime | None = None
    last_day: date | None = None
    """Until when it is trusted, if that was brought forward."""


def signer_of(uses: Iterable[KeyUse]) -> KeyUse | None:
    """The use of the key that signs, if that was ever decided."""
    began = [(use.signs_since, use.id, use) for use in uses if use.signs_since is not None]
    return max(began)[-1] if began else None


class Keyring:
    """All keys of one system: signing keys by id, and the master key that day keys derive from."""

    def __init__(
        self,
        signing: Iterable[SigningKey],
        master: bytes,
        epoch: int = 0,
        reload: Callable[[], Iterable[SigningKey]] | None = None,
    ) -> None:
        """`master` is 32 random bytes; day keys of one `epoch` are worthless in the next. `reload`
        reads the signing keys anew. The one with the highest id signs, unless something else has
        been decided."""
        self._epoch = epoch
        self._reload = reload
        self._uses: Sequence[KeyUse] = ()
        self._signing = {key.id: key for key in signing}
        self._signer_id = max(self._signing, default=0)
        self._arrange()
        self._master = master
        self._day_keys: dict[date, bytes] = {}

    @property
    def epoch(self) -> int:
        """How often all tokens and day keys were withdrawn."""
        return self._epoch

    def learn(self) -> None:
        """Read the signing keys anew: another process may have made one. It signs nothing yet."""
        if self._reload is not None:
            self._signing = {key.id: key for key in self._reload()}
            self._arrange()

    def follow(self, uses: Sequence[KeyUse]) -> None:
        """Sign with the key, and trust keys as long, as it has been decided."""
        self._uses = uses
        self._arrange()

    def _arrange(self) -> None:
        signer = signer_of(self._uses)
        if signer is not None and signer.id in self._signing:
            self._signer_id = signer.id
        last_days = {use.id: use.last_day for use in self._uses}
        for key in self._signing.values():
            brought_forward = last_days.get(key.id)
            if brought_forward is not None and brought_forward < key.last_day:
                self._signing[key.id] = replace(key, last_day=brought_forward)
        self._verifying = {
            key_id: self._signing[key_id].verifying for key_id in sorted(self._signing)
        }

    def known(self) -> Sequence[int]:
        """The ids of the signing keys that this process knows."""
        return list(self._verifying)

    def newest(self) -> SigningKey:
        """The key that signs new codes: the newest that was taken into use."""
        return self._signing[self._signer_id]

    def verifier(self, key_id: int) -> VerifyingKey | None:
        """The public key of that id, if it is ours; its last day may be over."""
        return self._verifying.get(key_id)

    def verifiers(self) -> Sequence[VerifyingKey]:
        """All public keys, in order of id."""
        return list(self._verifying.values())

    def day_key(self, day: date) -> bytes:
        """The key of one business day, 32 bytes: HKDF-SHA256 (RFC 5869) of the master key.

        A gate may hold it.
        """
        cached = self._day_keys.get(day)
        if cached is not None:
            return cached
        while len(self._day_keys) >= _DAY_KEYS_KEPT:
            oldest = next(iter(self._day_keys))
            self._day_keys.pop(oldest)
        info = b"BP1 day" + day.isoformat().encode()
        if self._epoch:
            info += f" epoch {self._epoch}".encode()
        key = HKDF(SHA256(), 32, salt=None, info=info).derive(self._master)
        self._day_keys[day] = key
        return key

    def pass_mac_key(self) -> bytes:
        """The key under which stored passes prove to be ours: HKDF-SHA256 of the master key."""
        return HKDF(SHA256(), 32, salt=None, info=b"BP1 pass mac").derive(self._master)

    def pass_day_key(self, day: date, pass_id: str) -> bytes:
        """The key with which a phone rotates the code of one pass on one business day: 32 bytes.

        HMAC-SHA256 of the serial under the day key.
        """
        return _pass_day_key(self.day_key(day), pass_id)


class CodeKeys(Protocol):
    """What the text of a code is read with: all keys of a system, or those that a gate holds."""

    def verifier(self, key_id: int) -> VerifyingKey | None:
        """The public key of that id, if it is ours; its last day may be over."""

    def pass_day_key(self, day: date, pass_id: str) -> bytes:
        """The key of the codes of one pass on one business day, 32 bytes. Raises `KeyError` for a
        day whose key is not held."""


class GateKeys(CodeKeys):
    """The keys that a gate holds: public keys, and day keys of some days, which are secret."""

    def __init__(self, verifying: Iterable[VerifyingKey], day_keys: Mapping[date, bytes]) -> None:
        """Day keys are 32 bytes each."""
        self.verifying = tuple(sorted(verifying, key=lambda key: key.id))
        self.day_keys = dict(day_keys)
        self._by_id = {key.id: key for key in self.verifying}

    def verifier(self, key_id: int) -> VerifyingKey | None:
        """The public key of that id."""
        return self._by_id.get(key_id)

    def pass_day_key(self, day: date, pass_id: str) -> bytes:
        """HMAC-SHA256 of the serial under the day key. Raises `KeyError`."""
        return _pass_day_key(self.day_keys[day], pass_id)


def _pass_day_key(day_key: bytes, pass_id: str) -> bytes:
    return hmac.digest(day_key, bytes.fromhex(pass_id), "sha256")
