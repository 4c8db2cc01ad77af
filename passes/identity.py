"""Identity: who a holder is, kept so that a stolen database tells nothing.

Name and number are sealed with AES-256-GCM, a keyed hash finds the holder again, a mask is shown. Neither name nor
number ever stands in a log, a code or an export.
"""

import hmac
import json
import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from passes.errors import Fault, Invalid
from passes.model import Holder
from passes.texts import Text

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"
_NONCE_BYTES = 12
_LONGEST_NAME = 50


@dataclass(frozen=True, slots=True)
class Identity:
    """The real name and resident ID number (居民身份证号码) of a visitor, both checked by `resident`."""

    name: str
    number: str


def resident(name: str, number: str, today: date) -> Identity:
    """A checked identity. Raises `Invalid` naming the field.

    The number is 18 signs: GB/T 2260 district, date of birth, sequence, and a check digit by GB 11643-1999
    (ISO 7064 MOD 11-2).
    """
    name, faults = unicodedata.normalize("NFKC", name).strip(), []
    if not 2 <= len(name) <= _LONGEST_NAME or not all(map(_in_a_name, name)):
        faults.append(Fault("name", "a real name of 2 to 50 letters is needed"))
    try:
        number = resident_number(number, today)
    except Invalid as error:
        faults += error.faults
    if faults:
        raise Invalid("identity_invalid", Text("姓名或身份证号有误", "the name or the ID number is wrong"), faults)
    return Identity(name, number)


def resident_number(number: str, today: date) -> str:
    """A checked resident ID number. Raises `Invalid`."""
    number = number.strip().upper()
    if wrong := _wrong_with(number, today):
        fault = Fault("id_number", wrong)
        raise Invalid("identity_invalid", Text("身份证号有误", "the ID number is wrong"), [fault])
    return number


class Sealer:
    """Turns an identity into what is stored of it, and back for those who may."""

    def __init__(self, keys: Mapping[int, bytes], pepper: bytes) -> None:
        """`keys` are 32-byte AES keys by id, the highest seals; `pepper` keys the look-up hash."""
        self._keys = dict(keys)
        self._pepper = pepper

    def seal(self, identity: Identity) -> Holder:
        """The holder to store."""
        key_id = max(self._keys)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        plain = json.dumps([identity.name, identity.number]).encode()
        lookup = self.lookup(identity.number)
        return Holder(
            sealed=nonce + AESGCM(self._keys[key_id]).encrypt(nonce, plain, lookup.encode()),
            key_id=key_id,
            lookup=lookup,
            name_mask=identity.name[0] + "*" * (len(identity.name) - 1),
            number_mask=identity.number[:3] + "*" * 11 + identity.number[-4:],
        )

    def open(self, holder: Holder) -> Identity:
        """The identity behind a holder. Raises `cryptography.exceptions.InvalidTag` if it was tampered with."""
        nonce, sealed = holder.sealed[:_NONCE_BYTES], holder.sealed[_NONCE_BYTES:]
        plain = AESGCM(self._keys[holder.key_id]).decrypt(nonce, sealed, holder.lookup.encode())
        return Identity(*json.loads(plain))

    def lookup(self, number: str) -> str:
        """The keyed hash by which a checked number is found."""
        return hmac.digest(self._pepper, b"resident:" + number.encode(), "sha256").hex()


def check_digit(first17: str) -> str:
    """The last sign of a resident ID number with these 17 digits (GB 11643-1999)."""
    return _CHECK_DIGITS[sum(int(digit) * weight for digit, weight in zip(first17, _WEIGHTS, strict=True)) % 11]


def _wrong_with(number: str, today: date) -> str | None:
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9X]", number):
        return "a resident ID number has 17 digits and a check digit"
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return "the date of birth in it does not exist"
    if not date(1900, 1, 1) <= born <= today:
        return "the date of birth in it is not possible"
    return None if number[17] == check_digit(number[:17]) else "its check digit is wrong; is there a typing error?"


def _in_a_name(sign: str) -> bool:
    return sign.isalpha() or sign in "·• '.-"
