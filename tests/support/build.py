"""Builders of domain values for tests, on real spots and with plainly fictitious holders."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from passes.admission.gates import Gate, GateKind, GateState, Scan
from passes.admission.rules import Case
from passes.base.text import Text
from passes.codes.format import Code
from passes.codes.keys import Keyring, SigningKey
from passes.holding.model import Pass, PassState
from passes.holding.shown_code import live_text, static_text
from passes.ledger.records import Record, RecordKind
from passes.ledger.tally import Tally
from passes.offers.offer import Offer, Quota
from passes.people.groups import ANYONE
from passes.people.identification import IdentityStatement
from passes.people.identity import DocumentKind, Identity, IdentityDocument, Sealer, check_digit
from passes.people.sealing import Vault
from passes.store.macs import PassMacs
from passes.terms.edition import Edition
from passes.terms.prices import Benefit, BenefitKind
from passes.terms.spot_withdrawals import Policy, SpotWithdrawal
from passes.terms.terms import Coverage, Limits, Terms
from passes.terms.validity import DateRange, Term
from scenic_data.model import Spot

NOW = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
"""10 o'clock in the morning of 1 July 2026 in Sichuan."""

TODAY = date(2026, 7, 1)
EMEISHAN, XIANNVSHAN = "emeishan", "wulong-xiannvshan"
HOLDER = Identity("测试甲", "11010119900307002X", date(1990, 3, 7))
OPERATOR = "operator:test"
PRIVACY_VERSION = "2026-11"
"""The privacy statement that visitors agree to."""


def id_number(first17: str) -> str:
    """A resident ID number with the check digit that its first 17 digits ask for."""
    return first17 + check_digit(first17)


def person(n: int) -> Identity:
    """Fictitious people, the first of whom is `HOLDER`."""
    return Identity("测试甲", id_number(f"11010119900307{2 + n:03}"), date(1990, 3, 7))


def document(person: Identity = HOLDER, name: str | None = None) -> IdentityDocument:
    """What somebody says of themselves; under another name, if one is given."""
    return IdentityDocument(DocumentKind.RESIDENT, name or person.name, person.number)


CHILD = IdentityDocument(DocumentKind.RESIDENT, "测试童", id_number("11010120160307002"))
"""A child of ten, for whom a guardian consents."""


def statement(person: Identity = HOLDER, **changes: Any) -> IdentityStatement:
    """Who a visitor says to be, and that they agree."""
    return replace(IdentityStatement(document(person), PRIVACY_VERSION), **changes)


VAULT = Vault({1: bytes(32)}, pepper=bytes(range(32)))
SEALER = Sealer(VAULT)
KEYS = Keyring(
    [SigningKey(1, Ed25519PrivateKey.from_private_bytes(bytes(32)), date(2199, 12, 31))],
    bytes(range(32)),
)
MACS = PassMacs(KEYS.pass_mac_key())
SERIAL = "00000000000000a1"


def spot(id: str = EMEISHAN, **changes: Any) -> Spot:
    fields: dict[str, Any] = {
        "id": id,
        "name": {"zh": id},
        "level": "5A",
        "category": "nature",
        "adcode": "511181",
        "position": {"lng": 103.444, "lat": 29.567, "precision": "spot"},
        "as_of": "2026-01-01",
    }
    return Spot.model_validate(fields | changes)


def terms(**changes: Any) -> Terms:
    usual = Terms(term=Term(days=365), coverage=Coverage(spots=frozenset({EMEISHAN, XIANNVSHAN})))
    return replace(usual, **changes)


def product(id: str = "annual", **changes: Any) -> Edition:
    """The draft of an annual pass product."""
    return Edition(
        product_id=id,
        version=0,
        number=0,
        title=Text("年票", "annual pass"),
        terms=terms(**changes),
        spots=frozenset(),
    )


def spot_withdrawal(**changes: Any) -> SpotWithdrawal:
    """That 峨眉山 leaves the annual pass in ten days, and passes end there."""
    usual = SpotWithdrawal(
        product_id="annual",
        spot_id=EMEISHAN,
        start=TODAY + timedelta(days=10),
        policy=Policy.END,
        at=NOW + timedelta(hours=1),
        reason="the contract was ended",
        name=Text("峨眉山景区", "Mount Emei"),
        spots=frozenset({EMEISHAN}),
    )
    return replace(usual, **changes)


_versions: dict[str, int] = {}


def published(draft: Edition, spots: frozenset[str] | None = None) -> Edition:
    """A draft as it is published. Other terms of the same product are another version of it."""
    if spots is None:
        covers = draft.terms.coverage.covers
        spots = frozenset(each for each in (EMEISHAN, XIANNVSHAN) if covers(spot(each)))
    wanted = replace(draft, spots=spots)
    number = _versions.setdefault(repr(wanted), len(_versions) + 1)
    return replace(wanted, number=number, version=number)


def edition(terms: Terms | None = None, spots: frozenset[str] | None = None) -> Edition:
    """A published edition of the annual pass with these terms."""
    draft = product()
    return published(replace(draft, terms=terms or draft.terms), spots)


def held(terms: Terms | None = None, spots: frozenset[str] | None = None, **changes: Any) -> Pass:
    usual = Pass(
        id=SERIAL,
        edition=edition(terms, spots),
        valid=DateRange(TODAY, TODAY + timedelta(days=364)),
        state=PassState.ACTIVE,
        holder=SEALER.seal(HOLDER),
        issued_at=NOW,
    )
    return replace(usual, **changes)


def gate(kind: GateKind = GateKind.TURNSTILE, spot_id: str = EMEISHAN, **changes: Any) -> Gate:
    usual = Gate(
        f"{spot_id}-{kind.value}", spot_id, kind, "北门", GateState.ENROLLED, token_version=1
    )
    return replace(usual, **changes)


def code(**changes: Any) -> Code:
    usual = Code(
        key_id=1,
        pass_id=SERIAL,
        product_number=1,
        first_day=TODAY,
        last_day=date(2027, 6, 30),
        rotating=True,
    )
    return replace(usual, **changes)


def case(**changes: Any) -> Case:
    usual = Case(
        held=held(), code=code(), tally=Tally(), spot=spot(), gate=gate(), party=None, at=NOW
    )
    return replace(usual, **changes)


def scan(text: str, nonce: str = "n1", at: datetime = NOW, **changes: Any) -> Scan:
    """A scan of any text, at the turnstile of 峨眉山 if no other gate is given."""
    return replace(Scan(gate(), text, nonce, at), **changes)


def live_scan(held: Pass, nonce: str = "n1", at: datetime = NOW, **changes: Any) -> Scan:
    """A scan of the code that a phone shows at that moment."""
    return scan(live_text(held, KEYS, at), nonce, at, **changes)


def printed_scan(held: Pass, nonce: str = "n1", at: datetime = NOW, **changes: Any) -> Scan:
    """A scan of the code on paper, by staff, who look at the card."""
    return scan(static_text(held, KEYS), nonce, at, **{"gate": gate(GateKind.HANDHELD)} | changes)


def limited(**limits: Any) -> Pass:
    return held(terms=terms(limits=Limits(**limits)))


def record(n: int, at: datetime, tally: Tally, spot_id: str = EMEISHAN) -> Record:
    return Record(
        pass_id=SERIAL,
        n=n,
        kind=RecordKind.ADMITTED,
        spot_id=spot_id,
        gate_id=f"{spot_id}-turnstile",
        nonce=f"n{n}",
        code_digest="",
        at=at,
        scanned_at=at,
        recorded_at=at,
        tally=tally,
    )


def offer(**changes: Any) -> Offer:
    usual = Offer(
        id="bogo",
        version=1,
        title=Text("买一送一", "buy one, get one free"),
        benefit=Benefit(BenefitKind.BUY_ONE_GET_ONE),
        spots=frozenset({EMEISHAN}),
        window=DateRange(TODAY, date(2026, 12, 31)),
        eligible=frozenset({ANYONE}),
        voucher_days=30,
        quota=Quota(total=5, per_day=3),
    )
    return replace(usual, **changes)


class Spots:
    """The catalogue port over two spots, which tests may change."""

    def __init__(self) -> None:
        self._spots = {slug: spot(slug) for slug in (EMEISHAN, XIANNVSHAN)}

    def change(self, slug: str, **changes: Any) -> None:
        """Import a spot that is changed so."""
        self.put(spot(slug, **changes))

    def put(self, changed: Spot) -> None:
        """Import a spot."""
        self._spots[changed.id] = changed

    def get(self, spot_id: str) -> Any:
        return self._spots.get(spot_id)

    def ids(self) -> tuple[str, ...]:
        return tuple(self._spots)
