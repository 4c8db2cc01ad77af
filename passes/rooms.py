"""Rooms: every service of the domain, put together once over one database.

The server, the scripts and the tests use the same composition. A new service is one line here: an
attribute of its room. Knows no driver, no settings and no clock; what differs from place to place
(the database, the keys, the catalogue) is handed in.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from passes.admission.admitting import Admission
from passes.admission.annulling import Annulling
from passes.admission.appending import Appending
from passes.admission.by_hand import HandAdmissions
from passes.admission.cards import Cards, CardsInVain
from passes.admission.cases import CaseWork
from passes.admission.correcting import Correcting
from passes.admission.emergency import Emergencies
from passes.admission.fleet import Fleet
from passes.admission.gate_keeping import GateKeeping
from passes.admission.history import Histories
from passes.admission.lookup import Lookup, Misses
from passes.admission.not_the_holder import MARKS_THAT_FREEZE, HolderChecks
from passes.admission.offline.bundle import BundleKey
from passes.admission.offline.conflicts import Conflicts
from passes.admission.offline.filtering import Filtering, is_being_made, taken_for_refused
from passes.admission.offline.making import BundleMaking, Sources
from passes.admission.offline.paper import Papers
from passes.admission.offline.uploading import Uploading
from passes.admission.ports import AutomaticVouchers, Carriers, NoCarriers
from passes.admission.stops import Stopping
from passes.admission.token_renewing import TokenRenewing
from passes.base.cache import CachedCollection
from passes.codes.keys import Keyring
from passes.holding.finding import Finding
from passes.holding.issuing import Issuing
from passes.holding.lifecycle import Lifecycle
from passes.holding.proving import Proving
from passes.holding.reissuing import Reissuing
from passes.holding.rescinding import Rescinding
from passes.holding.restoring import Restoring
from passes.holding.serials import Serials
from passes.holding.showing import Showing
from passes.holding.wallet import Wallet
from passes.offers.automatic import Automatic, AutomaticByCard
from passes.offers.cancelling import Cancelling
from passes.offers.claimants import Claimants
from passes.offers.claiming import Claiming
from passes.offers.closures import Closures
from passes.offers.numbering import Numbering
from passes.offers.publishing import OfferPublishing
from passes.offers.quotas import Quotas
from passes.offers.reconciling import Reconciling
from passes.offers.visits import CampaignVisits
from passes.people.accompanying import Accompanying, Companions
from passes.people.accounts import Accounts
from passes.people.barring import Barring
from passes.people.consent import Consents
from passes.people.identification import Identification
from passes.people.identity import Sealer
from passes.people.memberships import Memberships
from passes.people.ports import PassesOfPeople
from passes.people.sealing import Vault
from passes.people.sessions import SigningIn
from passes.people.tries import Tries
from passes.rights.auditing import YearAuditing
from passes.rights.erasing import Erasing, ErasingParts
from passes.rights.exporting import Exporting
from passes.rights.requests import RequestLog
from passes.rights.retention import Retention, RetentionParts
from passes.store.admission import CaseStore, GateStore, HeartbeatStore, StopStore, VainCountStore
from passes.store.audit import AuditStore
from passes.store.codes import KeyUseStore, PassesThatOutlive, ProcessStore
from passes.store.conflicts import ConflictStore
from passes.store.database import Database
from passes.store.holding import HoldingStore, PassStore
from passes.store.ledger import LedgerStore, RefusalStore
from passes.store.macs import PassMacs
from passes.store.offers import CounterStore, OfferStore
from passes.store.offline import (
    FilterStore,
    MarkStore,
    PassesAtLargeStore,
    SpotRecordStore,
)
from passes.store.people import (
    AppTokenStore,
    AttemptStore,
    BarStore,
    CompanionCodeStore,
    CompanionshipStore,
    MemberStore,
    SessionStore,
    VisitorStore,
)
from passes.store.rights import AgeingStore, KeptStore, RequestStore, TotalsStore
from passes.store.sealed import SealedStore
from passes.store.terms import (
    AmendmentStore,
    EditionStore,
    HolidayStore,
    SpotWithdrawalStore,
    WithdrawalStore,
)
from passes.store.versions import (
    FILTERS,
    GATES,
    HOLIDAYS,
    KEYS,
    OFFERS,
    PRODUCTS,
    STOPS,
    Versions,
)
from passes.terms.amendments import Amending
from passes.terms.editions import Editions
from passes.terms.holiday_publishing import HolidayPublishing
from passes.terms.holidays import Holidays
from passes.terms.ports import Spots
from passes.terms.publishing import ProductPublishing
from passes.terms.spot_withdrawing import SpotWithdrawing
from passes.terms.withdrawing import Withdrawing


class BaseRoom:
    """What every room uses."""

    def __init__(self, database: Database) -> None:
        """Over the audit log, and the versions of what processes hold in memory."""
        self.audit = AuditStore(database)
        self.versions = Versions(database)


class TermsRoom:
    """What can be held, and its publishing."""

    def __init__(self, database: Database, base: BaseRoom, spots: Spots) -> None:
        """`spots` is the catalogue in memory."""
        self.stored = EditionStore(database)
        self.stored_amendments = AmendmentStore(database)
        self.stored_withdrawals = WithdrawalStore(database)
        self.stored_spot_withdrawals = SpotWithdrawalStore(database)
        self.editions = Editions(
            self.stored.all,
            self.stored_amendments.all,
            self.stored_withdrawals.all,
            self.stored_spot_withdrawals.all,
        )
        self.withdrawing = Withdrawing(self.stored, self.stored_withdrawals, base.audit)
        self.spot_withdrawing = SpotWithdrawing(
            spots, self.editions, self.stored_spot_withdrawals, base.audit
        )
        self.amending = Amending(spots, self.stored, self.stored_amendments, base.audit)
        self.publishing = ProductPublishing(spots, self.stored, base.audit)
        self.stored_holidays = HolidayStore(database)
        self.holidays = Holidays(self.stored_holidays.all)
        self.holiday_publishing = HolidayPublishing(self.stored_holidays, base.audit)


class CodesRoom:
    """The keys of codes, and what is decided about them."""

    def __init__(self, database: Database, keys: Keyring) -> None:
        """`keys` are those of the key file."""
        self.keys = keys
        self.uses = KeyUseStore(database)
        self.processes = ProcessStore(database)
        self.outliving = PassesThatOutlive(database)

    async def load(self) -> None:
        """Do what is decided."""
        self.keys.follow(await self.uses.all())


class LedgerRoom:
    """What happened to passes at gates."""

    def __init__(self, database: Database) -> None:
        """Over the records of all passes, and refused scans."""
        self.records = LedgerStore(database)
        self.refusals = RefusalStore(database)


class FilterRoom:
    """The filters of bundles, which everything that issues a pass has to know."""

    def __init__(self, database: Database, terms: TermsRoom, macs: PassMacs) -> None:
        """They are made of all passes, each of an edition, and known to be ours."""
        self.stored = FilterStore(database)
        self.kept = CachedCollection(self.stored.kept)
        self.marks = MarkStore(database)
        self.passes = PassesAtLargeStore(database, terms.editions, macs)
        self.records = SpotRecordStore(database)
        self.filtering = Filtering(
            self.stored, self.kept, self.marks, self.passes, self.records, terms.editions.all
        )
        self.serials = Serials(
            lambda serial: taken_for_refused(self.kept.all(), serial),
            lambda: is_being_made(self.kept.all()),
        )


class HoldingRoom:
    """Passes, from their issue to their end."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that a pass is bound up with
        self,
        database: Database,
        base: BaseRoom,
        terms: TermsRoom,
        ledger: LedgerRoom,
        vault: Vault,
        macs: PassMacs,
        serials: Serials,
    ) -> None:
        """A pass names its edition, goes on with its ledger, has its holder sealed, and is known
        to be ours."""
        self.serials = serials
        sealer, members = Sealer(vault), MemberStore(database)
        self.passes = PassStore(database, terms.editions, sealer, macs, serials)
        self.holdings = HoldingStore(database)
        visitors, companionships = (
            VisitorStore(database, sealer),
            CompanionshipStore(database, sealer),
        )
        self.wallet = Wallet(self.passes, ledger.records, visitors, companionships, base.audit)
        self.proving = Proving(self.passes, ledger.records)
        self.finding = Finding(sealer, self.passes, members, self.wallet, base.audit)
        self.issuing = Issuing(
            self.passes,
            self.holdings,
            members,
            self.wallet,
            base.audit,
            BarStore(database),
            serials,
        )
        self.lifecycle = Lifecycle(self.passes, base.audit)
        self.rescinding = Rescinding(self.passes, self.wallet, base.audit)
        self.reissuing = Reissuing(self.passes, ledger.records, base.audit, serials)
        self.showing = Showing(
            Companions(companionships, sealer),
            companionships,
            self.wallet,
            self.reissuing,
            base.audit,
        )
        self.restoring = Restoring(self.passes, self.holdings, base.audit)


class PeopleRoom:
    """Accounts, who they are, and their sessions."""

    def __init__(
        self,
        database: Database,
        base: BaseRoom,
        vault: Vault,
        privacy_version: str,
        passes: PassesOfPeople,
    ) -> None:
        """`privacy_version` is that of the statement that visitors agree to now."""
        self.vault = vault
        self.identities = Sealer(vault)
        self.visitors = VisitorStore(database, self.identities)
        self.sessions = SessionStore(database)
        self.members = MemberStore(database)
        self.app_tokens = AppTokenStore(database)
        self.sealed = SealedStore(database, vault)
        self.memberships = Memberships(self.members, base.audit)
        self.companionships = CompanionshipStore(database, self.identities)
        self.companions = Companions(self.companionships, self.identities)
        codes = CompanionCodeStore(database)
        self.accounts = Accounts(vault, self.visitors, self.companionships, codes, base.audit)
        self.bars = BarStore(database)
        self.barring = Barring(self.bars, base.audit)
        self.tries = Tries(self.accounts, AttemptStore(database))
        self.identification = Identification(
            self.identities,
            privacy_version,
            self.visitors,
            self.companionships,
            passes,
            self.tries,
            base.audit,
        )
        self.accompanying = Accompanying(
            vault,
            self.identities,
            Consents(self.identities, privacy_version),
            self.identification,
            self.visitors,
            self.companions,
            self.companionships,
            codes,
            passes,
            self.tries,
            base.audit,
        )
        self.signing_in = SigningIn(self.visitors, self.sessions, base.audit)


class AdmissionRoom:
    """Gates, and what happens there."""

    def __init__(  # noqa: PLR0913, PLR0917 - it uses every room below
        self,
        database: Database,
        base: BaseRoom,
        codes: Keyring,
        spots: Spots,
        terms: TermsRoom,
        people: PeopleRoom,
        holding: HoldingRoom,
        ledger: LedgerRoom,
        automatic: AutomaticVouchers,
        carriers: Carriers,
        marks_that_freeze: int,
        filters: FilterRoom,
        bundle_keys: Sequence[BundleKey],
    ) -> None:
        """`codes` are the keys of codes, `spots` is the catalogue in memory; `automatic` makes the
        vouchers of campaigns, `carriers` is who vouches for carriers. A pass that somebody else
        has shown `marks_that_freeze` times freezes. `bundle_keys` sign bundles."""
        stored, passes, records = GateStore(database), holding.passes, ledger.records
        self.gates = CachedCollection(stored.all)
        self.heartbeats = HeartbeatStore(database)
        self.gate_keeping = GateKeeping(spots, stored, self.heartbeats, base.audit)
        self.token_renewing = TokenRenewing(stored, base.audit)
        self.vain_counts = VainCountStore(database)
        self.fleet = Fleet(self.gate_keeping, self.heartbeats, self.vain_counts)
        typed_in_vain = Misses()
        self.cards = Cards(people.identities, people.vault, carriers)
        visits = CampaignVisits(CounterStore(database))
        self.stopping = Stopping(spots, StopStore(database), base.audit)
        self.admission = Admission(
            codes,
            spots,
            terms.holidays.calendar,
            passes,
            records,
            ledger.refusals,
            visits,
            automatic,
            CardsInVain(self.vain_counts, typed_in_vain, base.audit),
            self.stopping.at,
            filters.marks,
        )
        sources = Sources(
            spots,
            terms.editions.all,
            terms.holidays.calendar,
            self.gates.all,
            self.stopping.stops.all,
            self.stopping.at,
        )
        self.bundles = BundleMaking(
            codes,
            bundle_keys,
            sources,
            filters.filtering,
            filters.stored,
            filters.marks,
            filters.passes,
            filters.records,
        )
        appending = Appending(passes, records, visits, filters.marks)
        self.annulling = Annulling(records, appending, base.audit)
        cases = CaseStore(database)
        self.case_work = CaseWork(cases, base.audit)
        self.emergencies = Emergencies(self.stopping, cases)
        self.holder_checks = HolderChecks(
            passes, people.visitors, cases, self.annulling, base.audit, marks_that_freeze
        )
        self.by_hand = HandAdmissions(
            codes, spots, passes, records, cases, appending, self.annulling, base.audit
        )
        self.lookup = Lookup(codes, people.identities, passes, base.audit, typed_in_vain)
        conflicts = ConflictStore(database)
        self.histories = Histories(passes, records, ledger.refusals, conflicts, base.audit)
        self.correcting = Correcting(passes, records, appending, self.histories, base.audit)
        self.conflicts = Conflicts(
            conflicts,
            spots,
            passes,
            records,
            self.histories,
            self.correcting,
            base.audit,
        )
        self.uploading = Uploading(
            codes,
            spots,
            passes,
            records,
            ledger.refusals,
            cases,
            base.audit,
            self.admission,
            appending,
            self.by_hand,
            self.correcting,
            self.conflicts,
        )
        self.papers = Papers(codes, passes, self.cards, self.uploading, base.audit)


class OffersRoom:
    """Offers, and claims of them."""

    def __init__(  # noqa: PLR0913, PLR0917 - it uses every room below
        self,
        database: Database,
        base: BaseRoom,
        spots: Spots,
        terms: TermsRoom,
        people: PeopleRoom,
        holding: HoldingRoom,
        ledger: LedgerRoom,
    ) -> None:
        """`spots` is the catalogue in memory."""
        passes, audit = holding.passes, base.audit
        self.stored = OfferStore(database)
        self.offers = CachedCollection(self.stored.all)
        self.publishing = OfferPublishing(people.vault, spots, self.stored, terms.publishing, audit)
        self.counters = CounterStore(database)
        self.quotas = Quotas(self.counters, passes, ledger.records)
        self.reconciling = Reconciling(self.quotas, audit)
        self.claimants = Claimants(
            people.identities,
            holding.wallet,
            people.visitors,
            people.companions,
            people.members,
            people.bars,
        )
        self.claiming = Claiming(
            people.vault,
            spots,
            self.claimants,
            self.quotas,
            passes,
            Numbering(people.vault, people.accounts, passes, holding.holdings),
            audit,
            holding.serials,
        )
        self.automatic = Automatic(self.offers.all, terms.editions, self.claiming)
        self.automatic_by_card = AutomaticByCard(
            self.offers.all, terms.editions, self.claimants, self.claiming
        )
        self.closures = Closures(terms.editions, self.offers.all, passes)
        self.cancelling = Cancelling(self.quotas, passes, ledger.records, audit)


class RightsRoom:
    """What visitors may demand of the data held about them, and how long these stay."""

    def __init__(
        self,
        database: Database,
        base: BaseRoom,
        people: PeopleRoom,
        holding: HoldingRoom,
        offers: OffersRoom,
    ) -> None:
        """Erasing and retention reach every room."""
        passes, audit = holding.passes, base.audit
        self.stored_requests = RequestStore(database)
        self.requests = RequestLog(people.vault, self.stored_requests)
        self.kept = KeptStore(database)
        self.exporting = Exporting(self.requests, passes, people.visitors, self.kept, audit)
        self.erasing = Erasing(
            ErasingParts(
                accounts=people.accounts,
                signing_in=people.signing_in,
                wallet=holding.wallet,
                lifecycle=holding.lifecycle,
                cancelling=offers.cancelling,
                requests=self.requests,
                passes=passes,
                visitors=people.visitors,
                companionships=people.companionships,
                kept=self.kept,
                audit=audit,
            )
        )
        self.retention = Retention(
            RetentionParts(
                passes=passes,
                offers=offers.stored,
                ageing=AgeingStore(database),
                audit=audit,
            )
        )
        self.auditing = YearAuditing(TotalsStore(database), self.stored_requests, audit)


class Rooms:
    """All rooms over one database. Nothing is loaded yet: see `loaders`."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that comes from outside
        self,
        database: Database,
        codes: Keyring,
        vault: Vault,
        spots: Spots,
        privacy_version: str,
        carriers: Carriers | None = None,
        marks_that_freeze: int = MARKS_THAT_FREEZE,
        bundle_keys: Sequence[BundleKey] = (),
    ) -> None:
        """`codes` are the keys of codes, `vault` seals, `spots` is the catalogue in memory;
        `carriers` is who vouches for carriers, if anybody does; `bundle_keys` sign what gates
        decide by without a line."""
        self.codes = codes
        self.signing = CodesRoom(database, codes)
        self.base = BaseRoom(database)
        self.terms = TermsRoom(database, self.base, spots)
        self.ledger = LedgerRoom(database)
        self.macs = PassMacs(codes.pass_mac_key())
        self.filters = FilterRoom(database, self.terms, self.macs)
        self.holding = HoldingRoom(
            database,
            self.base,
            self.terms,
            self.ledger,
            vault,
            self.macs,
            self.filters.serials,
        )
        self.people = PeopleRoom(database, self.base, vault, privacy_version, self.holding.wallet)
        self.offers = OffersRoom(
            database, self.base, spots, self.terms, self.people, self.holding, self.ledger
        )
        self.admission = AdmissionRoom(
            database,
            self.base,
            codes,
            spots,
            self.terms,
            self.people,
            self.holding,
            self.ledger,
            self.offers.automatic_by_card,
            carriers or NoCarriers(),
            marks_that_freeze,
            self.filters,
            bundle_keys,
        )
        self.rights = RightsRoom(database, self.base, self.people, self.holding, self.offers)

    def loaders(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What brings each topic of `versions` into memory, the catalogue apart."""
        return {
            PRODUCTS: self.terms.editions.load,
            HOLIDAYS: self.terms.holidays.load,
            OFFERS: self.offers.offers.load,
            GATES: self.admission.gates.load,
            STOPS: self.admission.stopping.stops.load,
            FILTERS: self.filters.kept.load,
            KEYS: self.signing.load,
        }
