"""Sealing: personal data as it is stored, so that a stolen database tells nothing.

What must be read again is sealed with AES-256-GCM; what must only be found again is a keyed hash. Keys have ids, so
that a new one can take over while values under older ones are still there (`scripts keys rotate`).
"""

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed value: the id of its key, and nonce and ciphertext."""

    key_id: int
    content: bytes


class Vault:
    """Seals and opens values. A `purpose` is bound into a value, so that one stored elsewhere does not open."""

    def __init__(
        self,
        keys: Mapping[int, bytes],
        pepper: bytes,
        reload: Callable[[], Mapping[int, bytes]] | None = None,
    ) -> None:
        """`keys` are 32-byte AES keys by id, the highest seals; `pepper` keys the hashes.

        `reload` is asked for the keys of now when a value names one that is not known.
        """
        self._keys = dict(keys)
        self._pepper = pepper
        self._reload = reload

    @property
    def newest(self) -> int:
        """The id of the key that seals."""
        return max(self._keys)

    def seal(self, plain: str, purpose: str) -> Sealed:
        """The value to store."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        key_id = self.newest
        content = nonce + AESGCM(self._keys[key_id]).encrypt(
            nonce, plain.encode(), purpose.encode()
        )
        return Sealed(key_id, content)

    def open(self, sealed: Sealed, purpose: str) -> str:
        """What was sealed. Raises `cryptography.exceptions.InvalidTag` if it was tampered with, `KeyError` if its key
        is gone."""
        if sealed.key_id not in self._keys:
            self.learn()
        nonce, secret = sealed.content[:_NONCE_BYTES], sealed.content[_NONCE_BYTES:]
        return AESGCM(self._keys[sealed.key_id]).decrypt(nonce, secret, purpose.encode()).decode()

    def learn(self) -> None:
        """Read the keys anew: another process may have made one."""
        if self._reload is not None:
            self._keys = dict(self._reload())

    def renew(self, sealed: Sealed, purpose: str) -> Sealed:
        """The same value under the newest key."""
        return self.seal(self.open(sealed, purpose), purpose)

    def digest(self, purpose: str, value: str) -> str:
        """The keyed hash by which a value is found again, 64 hexadecimal digits."""
        return hmac.digest(self._pepper, f"{purpose}:{value}".encode(), "sha256").hex()
