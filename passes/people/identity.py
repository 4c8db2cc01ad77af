"""Identity: who somebody is, checked by the rules of their document, and sealed for storing.

Name and number are sealed, a keyed hash finds the holder again, a mask is shown, so that a stolen
database tells nothing. Neither name nor number ever stands in a log, a code or an export.

How a name is written in one form is in `passes.people.names`.
"""

import json
import re
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from passes.base import typed
from passes.base.errors import Fault, Invalid
from passes.base.text import Text
from passes.people import names
from passes.people.holder import Holder
from passes.people.sealing import Vault

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"
_NUMBER_LENGTH = 18
"""Of a number with a check digit, in characters; the older numbers have 15 and no check digit."""

_FIRST_BIRTH = date(1900, 1, 1)


class DocumentKind(StrEnum):
    """What a visitor proves their name with.

    Only `_FORMS` knows what numbers look like, and only a keyed hash of one finds its holder. So a
    kind without a plain number, such as 网证, whose number is an opaque text, fits in
    (docs/adr/0035-one-form-of-names-and-numbers.md).
    """

    RESIDENT = "resident"
    """居民身份证, by GB 11643-1999."""
    HMT_RESIDENCE = "hmt_residence"
    """港澳台居民居住证, of the same form under the prefixes 810000, 820000 and 830000."""
    FOREIGN_PERMANENT = "foreign_permanent"
    """外国人永久居留身份证: since 1 December 2023, 18 characters that begin with 9, with the same
    check digit; before, 3 letters and 12 digits. The new number does not follow from the old one.
    Source: 国家移民管理局, 新版外国人永久居留身份证机读信息规则, 2023."""
    HM_PERMIT = "hm_permit"
    """港澳居民来往内地通行证: H or M and 8 digits, which are their holder's for life. On the cards
    before those of 2013, 2 more digits count the cards; without them it is the same number.
    Source: 公安部, 港澳居民来往内地通行证号码规则, 1999."""
    TAIWAN_PERMIT = "taiwan_permit"
    """台湾居民来往大陆通行证: 8 digits, which are their holder's for life. On permits before
    25 September 2008, 2 more digits count the permits, and a character in brackets names the
    authority; without them it is the same number. Source: 公安部, 一人一号、终身不变, 2008."""
    PASSPORT = "passport"
    """A passport of any country."""


_BIRTH_IS_SAID = {DocumentKind.HM_PERMIT, DocumentKind.TAIWAN_PERMIT, DocumentKind.PASSPORT}
"""The numbers of these documents do not tell the date of birth."""


@dataclass(frozen=True, slots=True)
class IdentityDocument:
    """What somebody says of their document, not checked yet. `country` is said for a
    passport alone, `born` for documents whose number does not tell it."""

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
    name, number = names.one_form(said.name), _normal_number(said.kind, said.number)
    said = replace(said, country=_normal_country(said.country))
    born, faults = said.born, names.wrong_with(name)
    faults += _said_in_vain(said)
    if said.kind in _BIRTH_IS_SAID:
        faults += _wrong_without_birth(said.kind, number, said.country)
        faults += _wrong_with_birth(born, today)
    else:
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
    number, country = _normal_number(kind, number), _normal_country(country)
    if kind not in _BIRTH_IS_SAID:
        born_by_number(kind, number, today)
        return number
    faults = _wrong_without_birth(kind, number, country)
    if faults:
        raise Invalid("identity_invalid", Text("证件号有误", "the ID number is wrong"), faults)
    return number


_BUCKET_DIGITS = 3
"""Hexadecimal: 4,096 buckets. More would tell apart more of those who have different names."""


class Sealer:
    """Turns an identity into what is stored of it, and back for those who may see it."""

    def __init__(self, vault: Vault) -> None:
        """The vault seals and hashes."""
        self._vault = vault

    @property
    def vault(self) -> Vault:
        """What seals and hashes."""
        return self._vault

    def seal(self, identity: Identity) -> Holder:
        """The holder of that identity, not bound to a record yet: a store does that."""
        born = identity.born.isoformat()
        fields = [identity.name, identity.number, born, identity.kind, identity.country]
        lookup = self.lookup(identity.number, identity.kind, identity.country)
        return Holder(
            sealed=self._vault.seal(json.dumps(fields), lookup),
            lookup=lookup,
            name_digest=" ".join(self._name_digests(lookup, identity.name)),
            name_mask=_masked(identity.name, first=1, last=0),
            number_mask=masked_number(identity.number),
            name_bucket=self.name_bucket(identity.name),
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

    def name_bucket(self, name: str) -> str:
        """The bucket in which holders of a name in one form are looked for, with others."""
        return self._vault.digest("name bucket", names.writings(name)[0])[:_BUCKET_DIGITS]

    def bears(self, holder: Holder, name: str) -> bool:
        """Whether a holder has this name in one form, told without opening what is sealed."""
        digests = set(self._name_digests(holder.lookup, name))
        return not digests.isdisjoint(holder.name_digest.split(" "))

    def _name_digests(self, lookup: str, name: str) -> list[str]:
        return [
            self._vault.digest("name", f"{lookup}:{writing}") for writing in names.writings(name)
        ]


def sealed_for(place: str, lookup: str) -> str:
    """The purpose of the sealed value of a holder: the record that it stands in, and the person."""
    return f"{place}:{lookup}" if place else lookup


def check_digit(first17: str) -> str:
    """The last character of a resident ID number with these 17 digits (GB 11643-1999, which is
    ISO 7064 MOD 11-2)."""
    weighted = [int(digit) * weight for digit, weight in zip(first17, _WEIGHTS, strict=True)]
    return _CHECK_DIGITS[sum(weighted) % 11]


@dataclass(frozen=True, slots=True)
class _Form:
    """What the number of a kind of document looks like: `pattern`, and in words."""

    pattern: str
    title: str
    words: str


_FORMS = {
    DocumentKind.RESIDENT: _Form(
        r"[1-7][0-9]{16}[0-9X]",
        "居民身份证",
        "a resident ID number has 17 digits and a check digit",
    ),
    DocumentKind.HMT_RESIDENCE: _Form(
        r"8[123]0000[0-9]{11}[0-9X]",
        "港澳台居民居住证",
        "the number of a 居住证 has 18 characters and begins with 810000, 820000 or 830000",
    ),
    DocumentKind.FOREIGN_PERMANENT: _Form(
        r"9[0-9]{16}[0-9X]|[A-Z]{3}[0-9]{12}",
        "外国人永久居留身份证",
        "the number has 18 characters and begins with 9, or is 3 letters and 12 digits",
    ),
    DocumentKind.HM_PERMIT: _Form(
        r"([HM][0-9]{8})([0-9]{2})?",
        "港澳居民来往内地通行证",
        "the number of a 港澳居民来往内地通行证 is H or M and 8 digits",
    ),
    DocumentKind.TAIWAN_PERMIT: _Form(
        r"([0-9]{8})([0-9]{2}(\([A-Z0-9]\))?)?",
        "台湾居民来往大陆通行证",
        "the number of a 台湾居民来往大陆通行证 has 8 digits",
    ),
    DocumentKind.PASSPORT: _Form(
        r"(?=.*[0-9])[A-Z0-9]{5,15}",
        "护照",
        "a passport number has 5 to 15 letters and digits",
    ),
}
"""For each kind of document, the form of its number."""

_FOR_LIFE = {DocumentKind.HM_PERMIT, DocumentKind.TAIWAN_PERMIT}
"""Of these numbers the first group of the form stays, whatever follows it."""


def _wrong_with_form(kind: DocumentKind, number: str) -> list[Fault]:
    """The fault in the form of a number, if it has one; it tells the kind whose form it has.

    Not that of a passport, whose form says little.
    """
    if re.fullmatch(_FORMS[kind].pattern, number):
        return []
    for other, form in _FORMS.items():
        if other is not DocumentKind.PASSPORT and re.fullmatch(form.pattern, number):
            what = f"this is the number of a {form.title}, whose kind is {other}"
            return [Fault("id_number", what)]
    return [Fault("id_number", _FORMS[kind].words)]


def born_by_number(kind: DocumentKind, number: str, today: date) -> date | None:
    """The date of birth that stands in a number, once that is checked; None for a kind of document
    whose number tells none. Raises `Invalid`."""
    if kind in _BIRTH_IS_SAID:
        return None
    faults = _wrong_with_form(kind, number)
    if faults:
        raise _wrong_number(faults[0].what)
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


def _wrong_without_birth(kind: DocumentKind, number: str, country: str | None) -> list[Fault]:
    """The faults in a number that tells no date of birth, and in the country of a passport."""
    faults = _wrong_with_form(kind, number)
    country_is_wrong = country is None or not re.fullmatch(r"[A-Z]{3}", country)
    if kind is DocumentKind.PASSPORT and country_is_wrong:
        what = "for a passport, the three letters of the country in it are needed, such as FRA"
        faults.append(Fault("country", what))
    return faults


def _said_in_vain(said: IdentityDocument) -> list[Fault]:
    """The faults in a document of which more is said than its kind asks for."""
    faults = []
    if said.kind is not DocumentKind.PASSPORT and said.country is not None:
        faults.append(Fault("country", "is said for a passport alone"))
    if said.kind not in _BIRTH_IS_SAID and said.born is not None:
        faults.append(Fault("born", "stands in the number of this document; leave it out"))
    return faults


def _wrong_with_birth(born: date | None, today: date) -> list[Fault]:
    if born is None:
        return [Fault("born", "for this document, the date of birth is needed")]
    if not _birth_is_possible(born, today):
        return [Fault("born", _NOT_POSSIBLE)]
    return []


_NOT_POSSIBLE = "the date of birth is not possible"


def _birth_is_possible(born: date, today: date) -> bool:
    return _FIRST_BIRTH <= born <= today


def _normal_number(kind: DocumentKind, number: str) -> str:
    """A number in half width and capitals, without the blanks in which people group it, and without
    what changes when the document is renewed."""
    plain = typed.compact(number).upper()
    found = re.fullmatch(_FORMS[kind].pattern, plain)
    if kind in _FOR_LIFE and found is not None:
        return found.group(1)
    return plain


def _normal_country(country: str | None) -> str | None:
    """The code of a country as ISO 3166-1 has it, also as the machine-readable lines of a passport
    write it, which are filled up with `<` and have D for Germany (ICAO Doc 9303, part 3)."""
    if country is None:
        return None
    plain = typed.compact(country).upper().rstrip("<")
    return "DEU" if plain == "D" else plain


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
