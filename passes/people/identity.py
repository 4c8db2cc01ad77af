"""Identity: who a holder is, checked by the rules of their document, and kept so that a stolen database tells nothing.

Name and number are sealed, a keyed hash finds the holder again, a mask is shown. Neither name nor number ever stands in
a log, a code or an export.
"""

import json
import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from passes.base.errors import Fault, Invalid
from passes.base.text import Text
from passes.people.holder import Holder
from passes.people.sealing import Vault

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"
_LONGEST_NAME = 50
_FIRST_BIRTH = date(1900, 1, 1)


class DocumentKind(StrEnum):
    """What a visitor proves their name with."""

    RESIDENT = "resident"
    """居民身份证, by GB 11643-1999."""
    HMT_RESIDENCE = "hmt_residence"
    """港澳台居民居住证, of the same form under the prefixes 810000, 820000 and 830000."""
    FOREIGN_PERMANENT = "foreign_permanent"
    """外国人永久居留身份证: 18 signs from 9 on, checked likewise; before 2023, 3 letters and 12 digits."""
    PASSPORT = "passport"
    """A passport of any country."""


@dataclass(frozen=True, slots=True)
class IdentityDocument:
    """What somebody says of themselves, not checked yet. `country` and `born` are said for a passport alone."""

    kind: DocumentKind
    name: str
    number: str
    country: str | None = None
    born: date | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """The checked real name, number and date of birth of a visitor; `country` (ISO 3166-1) is that of a passport."""

    name: str
    number: str
    born: date
    kind: DocumentKind = DocumentKind.RESIDENT
    country: str | None = None

    def age_on(self, day: date) -> int:
        """Full years of age."""
        return day.year - self.born.year - ((day.month, day.day) < (self.born.month, self.born.day))


def identify(said: IdentityDocument, today: date) -> Identity:
    """A checked identity. Raises `Invalid` naming each field that is wrong, without repeating it."""
    name, faults = _one_way_of_writing(said.name), []
    if not 2 <= sum(map(str.isalpha, name)) <= len(name) <= _LONGEST_NAME or not all(
        map(_in_a_name, name)
    ):
        faults.append(Fault("name", "a real name of 2 to 50 letters is needed"))
    number, born = said.number.strip().upper(), said.born
    if said.kind is DocumentKind.PASSPORT:
        faults += _wrong_with_passport(number, said.country) + _wrong_with_birth(born, today)
    else:
        faults += [
            Fault(field, "is said for a passport alone")
            for field, value in (("country", said.country), ("born", born))
            if value is not None
        ]
        try:
            born = born_by_number(said.kind, number, today)
        except Invalid as error:
            faults += error.faults
    if faults or born is None:
        raise Invalid(
            "identity_invalid",
            Text("姓名或证件号有误", "the name or the ID number is wrong"),
            faults,
        )
    return Identity(name, number, born, said.kind, said.country)


def resident(name: str, number: str, today: date) -> Identity:
    """The checked identity of the holder of a resident ID card. Raises `Invalid`."""
    return identify(IdentityDocument(DocumentKind.RESIDENT, name, number), today)


def checked_number(kind: DocumentKind, number: str, country: str | None, today: date) -> str:
    """The number of a document, by which its holder is found, once it is checked. Raises `Invalid`."""
    number = number.strip().upper()
    if kind is not DocumentKind.PASSPORT:
        born_by_number(kind, number, today)
    elif faults := _wrong_with_passport(number, country):
        raise Invalid("identity_invalid", Text("证件号有误", "the ID number is wrong"), faults)
    return number


class Sealer:
    """Turns an identity into what is stored of it, and back for those who may."""

    def __init__(self, vault: Vault) -> None:
        """The vault seals and hashes."""
        self._vault = vault

    def seal(self, identity: Identity) -> Holder:
        """The holder to store."""
        plain = json.dumps(
            [
                identity.name,
                identity.number,
                identity.born.isoformat(),
                identity.kind,
                identity.country,
            ]
        )
        lookup = self.lookup(identity.number, identity.kind, identity.country)
        first, last = (3, 4) if len(identity.number) >= 15 else (1, 2)
        return Holder(
            sealed=self._vault.seal(plain, lookup),
            lookup=lookup,
            name_digest=self._vault.digest(
                "name", f"{lookup}:{identity.name.casefold().replace(' ', '')}"
            ),
            name_mask=identity.name[0] + "*" * (len(identity.name) - 1),
            number_mask=identity.number[:first]
            + "*" * (len(identity.number) - first - last)
            + identity.number[-last:],
        )

    def open(self, holder: Holder) -> Identity:
        """The identity behind a holder. Raises `cryptography.exceptions.InvalidTag` if it was tampered with."""
        if holder.sealed is None:
            raise ValueError("this holder has no real name")
        name, number, born, kind, country = json.loads(
            self._vault.open(holder.sealed, holder.lookup)
        )
        return Identity(name, number, date.fromisoformat(born), DocumentKind(kind), country)

    def lookup(
        self, number: str, kind: DocumentKind = DocumentKind.RESIDENT, country: str | None = None
    ) -> str:
        """The keyed hash by which the holder of a checked number is found."""
        return self._vault.digest(kind.value, f"{country}:{number}" if country else number)


def check_digit(first17: str) -> str:
    """The last sign of a resident ID number with these 17 digits (GB 11643-1999, ISO 7064 MOD 11-2)."""
    return _CHECK_DIGITS[
        sum(int(digit) * weight for digit, weight in zip(first17, _WEIGHTS, strict=True)) % 11
    ]


_FORMS = {
    DocumentKind.RESIDENT: (
        r"[1-7][0-9]{16}[0-9X]",
        "a resident ID number has 17 digits and a check digit",
    ),
    DocumentKind.HMT_RESIDENCE: (
        r"8[123]0000[0-9]{11}[0-9X]",
        "the number of a 居住证 has 18 signs and begins with 810000, 820000 or 830000",
    ),
    DocumentKind.FOREIGN_PERMANENT: (
        r"9[0-9]{16}[0-9X]|[A-Z]{3}[0-9]{12}",
        "the number has 18 signs and begins with 9, or is 3 letters and 12 digits",
    ),
}


def born_by_number(kind: DocumentKind, number: str, today: date) -> date:
    """The date of birth that stands in a number, once that is checked. Raises `Invalid`."""
    form, wrong = _FORMS[kind]
    born: date | None = None
    if re.fullmatch(form, number):
        written = number[6:14] if len(number) == 18 else _with_century(number[7:13], today)
        try:
            born = date(int(written[:4]), int(written[4:6]), int(written[6:]))
        except ValueError:
            wrong = "the date of birth in it does not exist"
        else:
            wrong = _wrong_birth(born, today) or ""
            if not wrong and len(number) == 18 and number[17] != check_digit(number[:17]):
                wrong = "its check digit is wrong; is there a typing error?"
    if born is None or wrong:
        text = Text("证件号有误", "the ID number is wrong")
        raise Invalid("identity_invalid", text, [Fault("id_number", wrong)])
    return born


def _with_century(yymmdd: str, today: date) -> str:
    """A date of two-digit year, in the newest century that does not make it later than today."""
    century = today.year // 100
    return f"{century if f'{century}{yymmdd}' <= f'{today:%Y%m%d}' else century - 1}{yymmdd}"


def _wrong_with_passport(number: str, country: str | None) -> list[Fault]:
    faults = []
    if not re.fullmatch(r"(?=.*[0-9])[A-Z0-9]{5,15}", number):
        faults.append(Fault("id_number", "a passport number has 5 to 15 letters and digits"))
    if country is None or not re.fullmatch(r"[A-Z]{3}", country):
        faults.append(
            Fault(
                "country",
                "for a passport, the three letters of the country in it are needed, such as FRA",
            )
        )
    return faults


def _wrong_with_birth(born: date | None, today: date) -> list[Fault]:
    wrong = _wrong_birth(born, today) if born else "for a passport, the date of birth is needed"
    return [Fault("born", wrong)] if wrong else []


def _wrong_birth(born: date, today: date) -> str | None:
    return None if _FIRST_BIRTH <= born <= today else "the date of birth is not possible"


def _one_way_of_writing(name: str) -> str:
    """A name with its blanks, middle dots and apostrophes written as everybody's."""
    name = re.sub(r"[•・‧･]", "·", unicodedata.normalize("NFKC", name))
    return " ".join(name.replace("’", "'").split())


def _in_a_name(sign: str) -> bool:
    return sign.isalpha() or unicodedata.category(sign).startswith("M") or sign in "· '.-"
