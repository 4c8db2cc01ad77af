"""Sealing: personal data as it is stored, so that a stolen database tells nothing.

What must be read again is sealed with AES-256-GCM (NIST SP 800-38D); what must only be found again
is a keyed hash (HMAC-SHA256). Keys have ids, so that a new one can take over while values under
older ones are still stored (`scripts keys rotate`).
"""

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
"""Random for each value, in front of its ciphertext."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed value: the id of its key; nonce, ciphertext and tag."""

    key_id: int
    content: bytes


class Vault:
    """Seals and opens values.

    The `purpose` of a value, such as `phone:VISITOR`, is bound into it as associated data. A value
    that was moved to another document has another purpose there and does not open.
    """

    def __init__(
        self,
        keys: Mapping[int, bytes],
        pepper: bytes,
        reload: Callable[[], Mapping[int, bytes]] | None = None,
    ) -> None:
        """`keys` are 32-byte AES keys by id, of which the highest seals; `pepper` is the key of the
        hashes. `reload` reads the keys anew, when a value names one that is not known.
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
        cipher = AESGCM(self._keys[key_id])
        ciphertext = cipher.encrypt(nonce, plain.encode(), purpose.encode())
        return Sealed(key_id, nonce + ciphertext)

    def open(self, sealed: Sealed, purpose: str) -> str:
        """What was sealed.

        Raises `cryptography.exceptions.InvalidTag` if it was tampered with or sealed for another
        purpose, `KeyError` if its key is gone.
        """
        if sealed.key_id not in self._keys:
            self.learn()
        nonce, ciphertext = sealed.content[:_NONCE_BYTES], sealed.content[_NONCE_BYTES:]
        cipher = AESGCM(self._keys[sealed.key_id])
        return cipher.decrypt(nonce, ciphertext, purpose.encode()).decode()

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
