"""Identity: who somebody is, checked by the rules of their document, and sealed for storing.

Name and number are sealed, a keyed hash finds the holder again, a mask is shown, so that a stolen
database tells nothing. Neither name nor number ever stands in a log, a code or an export.
"""

import json
import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from passes.base import typed
from passes.base.errors import Fault, Invalid
from passes.base.text import Text
from passes.people.holder import Holder
from passes.people.sealing import Vault

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"
_NUMBER_LENGTH = 18
"""Of a number with a check digit, in characters; the older numbers have 15 and no check digit."""

_SHORTEST_NAME, _LONGEST_NAME = 2, 50
_FIRST_BIRTH = date(1900, 1, 1)


class DocumentKind(StrEnum):
    """What a visitor proves their name with."""

    RESIDENT = "resident"
    """居民身份证, by GB 11643-1999."""
    HMT_RESIDENCE = "hmt_residence"
    """港澳台居民居住证, of the same form under the prefixes 810000, 820000 and 830000."""
    FOREIGN_PERMANENT = "foreign_permanent"
    """外国人永久居留身份证: 18 characters that begin with 9, with the same check digit; before
    2023, 3 letters and 12 digits."""
    PASSPORT = "passport"
    """A passport of any country."""


@dataclass(frozen=True, slots=True)
class IdentityDocument:
    """What somebody says of their document, not checked yet. `country` and `born` are said for a
    passport alone."""

    kind: DocumentKind
    name: str
    number: str
    country: str | None = None
    born: date | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """The checked real name, number and date of birth of a person; `country` (three letters of ISO
    3166-1) is that of a passport."""

    name: str
    number: str
    born: date
    kind: DocumentKind = DocumentKind.RESIDENT
    country: str | None = None

    def age_on(self, day: date) -> int:
        """Full years of age."""
        years = day.year - self.born.year
        birthday_to_come = (day.month, day.day) < (self.born.month, self.born.day)
        return years - birthday_to_come


def identify(said: IdentityDocument, today: date) -> Identity:
    """A checked identity. Raises `Invalid` naming each wrong field, without repeating its value."""
    name, number, born = _normal_name(said.name), _normal_number(said.number), said.born
    said = replace(said, country=_normal_country(said.country))
    faults = _wrong_with_name(name)
    if said.kind is DocumentKind.PASSPORT:
        faults += _wrong_with_passport(number, said.country)
        faults += _wrong_with_birth(born, today)
    else:
        faults += _said_for_passports(said)
        try:
            born = born_by_number(said.kind, number, today)
        except Invalid as error:
            faults += error.faults
    if faults or born is None:
        text = Text("姓名或证件号有误", "the name or the ID number is wrong")
        raise Invalid("identity_invalid", text, faults)
    return Identity(name, number, born, said.kind, said.country)


def resident(name: str, number: str, today: date) -> Identity:
    """The checked identity of the holder of a resident ID card. Raises `Invalid`."""
    return identify(IdentityDocument(DocumentKind.RESIDENT, name, number), today)


def checked_number(kind: DocumentKind, number: str, country: str | None, today: date) -> str:
    """The checked number of a document, by which its holder is found. Raises `Invalid`."""
    number, country = _normal_number(number), _normal_country(country)
    if kind is not DocumentKind.PASSPORT:
        born_by_number(kind, number, today)
        return number
    faults = _wrong_with_passport(number, country)
    if faults:
        raise Invalid("identity_invalid", Text("证件号有误", "the ID number is wrong"), faults)
    return number


class Sealer:
    """Turns an identity into what is stored of it, and back for those who may see it."""

    def __init__(self, vault: Vault) -> None:
        """The vault seals and hashes."""
        self._vault = vault

    def seal(self, identity: Identity) -> Holder:
        """The holder of that identity, not bound to a record yet: a store does that."""
        born = identity.born.isoformat()
        fields = [identity.name, identity.number, born, identity.kind, identity.country]
        lookup = self.lookup(identity.number, identity.kind, identity.country)
        # Blanks and capitals make no other name: they differ between documents and typists.
        written_alike = identity.name.casefold().replace(" ", "")
        return Holder(
            sealed=self._vault.seal(json.dumps(fields), lookup),
            lookup=lookup,
            name_digest=self._vault.digest("name", f"{lookup}:{written_alike}"),
            name_mask=_masked(identity.name, first=1, last=0),
            number_mask=masked_number(identity.number),
        )

    def open(self, holder: Holder) -> Identity:
        """The identity behind a holder.

        Raises `ValueError` for a holder without a real name, and
        `cryptography.exceptions.InvalidTag` if what is sealed was tampered with, or copied from
        another record.
        """
        if holder.sealed is None:
            raise ValueError("this holder has no real name")
        purpose = sealed_for(holder.place, holder.lookup)
        fields = json.loads(self._vault.open(holder.sealed, purpose))
        name, number, born, kind, country = fields
        return Identity(name, number, date.fromisoformat(born), DocumentKind(kind), country)

    def bound(self, holder: Holder, place: str) -> Holder:
        """The same holder, whose sealed value opens in the record of that place alone.

        Raises `cryptography.exceptions.InvalidTag` as `open` does.
        """
        if holder.sealed is None or holder.place == place:
            return holder
        plain = self._vault.open(holder.sealed, sealed_for(holder.place, holder.lookup))
        sealed = self._vault.seal(plain, sealed_for(place, holder.lookup))
        return replace(holder, sealed=sealed, place=place)

    def lookup(
        self, number: str, kind: DocumentKind = DocumentKind.RESIDENT, country: str | None = None
    ) -> str:
        """The keyed hash by which the holder of a checked number is found."""
        if country:
            number = f"{_normal_country(country)}:{number}"
        return self._vault.digest(kind.value, number)


def sealed_for(place: str, lookup: str) -> str:
    """The purpose of the sealed value of a holder: the record that it stands in, and the person."""
    return f"{place}:{lookup}" if place else lookup


def check_digit(first17: str) -> str:
    """The last character of a resident ID number with these 17 digits (GB 11643-1999, which is
    ISO 7064 MOD 11-2)."""
    weighted = [int(digit) * weight for digit, weight in zip(first17, _WEIGHTS, strict=True)]
    return _CHECK_DIGITS[sum(weighted) % 11]


_FORMS = {
    DocumentKind.RESIDENT: (
        r"[1-7][0-9]{16}[0-9X]",
        "a resident ID number has 17 digits and a check digit",
    ),
    DocumentKind.HMT_RESIDENCE: (
        r"8[123]0000[0-9]{11}[0-9X]",
        "the number of a 居住证 has 18 characters and begins with 810000, 820000 or 830000",
    ),
    DocumentKind.FOREIGN_PERMANENT: (
        r"9[0-9]{16}[0-9X]|[A-Z]{3}[0-9]{12}",
        "the number has 18 characters and begins with 9, or is 3 letters and 12 digits",
    ),
}
"""For each kind of document, the form of its number, and what to say of another."""


def born_by_number(kind: DocumentKind, number: str, today: date) -> date:
    """The date of birth that stands in a number, once that is checked. Raises `Invalid`."""
    form, described = _FORMS[kind]
    if not re.fullmatch(form, number):
        raise _wrong_number(described)
    born = _date_in(number, today)
    if born is None:
        raise _wrong_number("the date of birth in it does not exist")
    if not _birth_is_possible(born, today):
        raise _wrong_number(_NOT_POSSIBLE)
    if len(number) == _NUMBER_LENGTH and number[17] != check_digit(number[:17]):
        raise _wrong_number("its check digit is wrong; is there a typing error?")
    return born


def _wrong_number(what: str) -> Invalid:
    text = Text("证件号有误", "the ID number is wrong")
    return Invalid("identity_invalid", text, [Fault("id_number", what)])


def _date_in(number: str, today: date) -> date | None:
    """The date that the digits of a number stand for, if there is such a date."""
    if len(number) == _NUMBER_LENGTH:
        yyyymmdd = number[6:14]
    else:
        yyyymmdd = _with_century(number[7:13], today)
    try:
        return date(int(yyyymmdd[:4]), int(yyyymmdd[4:6]), int(yyyymmdd[6:]))
    except ValueError:
        return None


def _with_century(yymmdd: str, today: date) -> str:
    """A date of two-digit year, in the newest century that does not make it later than today."""
    century = today.year // 100
    in_this_century = f"{century}{yymmdd}"
    if in_this_century <= f"{today:%Y%m%d}":
        return in_this_century
    return f"{century - 1}{yymmdd}"


def _wrong_with_name(name: str) -> list[Fault]:
    enough_letters = sum(map(str.isalpha, name)) >= _SHORTEST_NAME
    only_a_name = all(map(_in_a_name, name))
    if enough_letters and only_a_name and len(name) <= _LONGEST_NAME:
        return []
    return [Fault("name", "a real name of 2 to 50 letters is needed")]


def _wrong_with_passport(number: str, country: str | None) -> list[Fault]:
    faults = []
    if not re.fullmatch(r"(?=.*[0-9])[A-Z0-9]{5,15}", number):
        faults.append(Fault("id_number", "a passport number has 5 to 15 letters and digits"))
    if country is None or not re.fullmatch(r"[A-Z]{3}", country):
        what = "for a passport, the three letters of the country in it are needed, such as FRA"
        faults.append(Fault("country", what))
    return faults


def _said_for_passports(said: IdentityDocument) -> list[Fault]:
    """The faults in a document that is no passport, but says what only passports say."""
    values = {"country": said.country, "born": said.born}
    named = [field for field, value in values.items() if value is not None]
    return [Fault(field, "is said for a passport alone") for field in named]


def _wrong_with_birth(born: date | None, today: date) -> list[Fault]:
    if born is None:
        return [Fault("born", "for a passport, the date of birth is needed")]
    if not _birth_is_possible(born, today):
        return [Fault("born", _NOT_POSSIBLE)]
    return []


_NOT_POSSIBLE = "the date of birth is not possible"


def _birth_is_possible(born: date, today: date) -> bool:
    return _FIRST_BIRTH <= born <= today


def _normal_number(number: str) -> str:
    """A number in half width and capitals, without the blanks in which people group it."""
    return typed.compact(number).upper()


def _normal_country(country: str | None) -> str | None:
    return None if country is None else typed.compact(country).upper()


def _normal_name(name: str) -> str:
    """A name in one form, with one kind of middle dot and apostrophe.

    Keyboards, fonts and other systems write the dot of 阿依古丽·买买提 in many ways.
    """
    return re.sub(r"[•・‧･⋅∙●ᐧ⸱᛫ꞏ]", "·", typed.one_line(name)).replace("’", "'")


def _in_a_name(character: str) -> bool:
    is_mark = unicodedata.category(character).startswith("M")  # combines with the letter before it
    return character.isalpha() or is_mark or character in "· '.-"


def masked_number(number: str) -> str:
    """A number with its first 3 and last 4 characters, or 1 and 2 of one that is short."""
    if len(number) < _SHORTEST_CARD_NUMBER:
        return _masked(number, first=1, last=2)
    return _masked(number, first=3, last=4)


_SHORTEST_CARD_NUMBER = 15
"""In characters. Numbers of passports are shorter, as a rule."""


def _masked(text: str, *, first: int, last: int) -> str:
    """A text of which only the first and last few characters are shown."""
    hidden = "*" * (len(text) - first - last)
    shown_at_end = text[len(text) - last :]
    return f"{text[:first]}{hidden}{shown_at_end}"
