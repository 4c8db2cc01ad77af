"""A database in which every collection holds something, filled as a running system fills it."""

from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from passes.admission.by_hand import Shown, WhyByHand
from passes.admission.gates import Gate, GateKind, Reader, Scan
from passes.admission.heartbeats import BundleHeld, Counters, Heartbeat
from passes.admission.offline.items import DecidedAlone, ScanItem, Timing
from passes.admission.staff import StaffDecision
from passes.admission.stops import WhyStopped
from passes.base.errors import Conflict
from passes.base.text import Text
from passes.codes.keys import KeyUse
from passes.codes.ports import Process
from passes.holding.issuing import NewPass
from passes.holding.model import Pass
from passes.holding.shown_code import live_text
from passes.ledger.verdicts import Reason
from passes.offers.claiming import Claim
from passes.offers.offer import Quota
from passes.people.barring import Bar
from passes.people.groups import UNION_MEMBER
from passes.people.identification import IdentityStatement
from passes.people.identity import DocumentKind, IdentityDocument
from passes.people.traits import traits_of
from passes.people.visitors import Visitor
from passes.rights.requests import RequestKind, asked_by
from passes.terms.amendments import Amendment
from passes.terms.edition import Edition, SaleWindow
from passes.terms.holidays import Holiday, HolidayYear
from passes.terms.terms import Limits
from passes.terms.validity import DateRange
from server.mongo import Mongo
from server.sandbox import SANDBOX_APPID, SANDBOX_SECRET
from server.system import System, open_system
from server.wechat import WeChat
from tests.support import build
from tests.support.build import EMEISHAN, HOLDER, NOW, TODAY, XIANNVSHAN
from tests.support.world import SETTINGS

OPERATOR = "operator:test"


async def filled(mongo: Mongo, data_dir: Path, sandbox_url: str) -> System:
    """A started system that has published, issued, admitted, refused and been claimed from."""
    settings = SETTINGS.model_copy(update={"data_dir": data_dir})
    system = await open_system(settings, mongo, NOW)
    emeishan = build.spot(EMEISHAN, name={"zh": "峨眉山景区", "en": "Mount Emei"})
    await system.catalogue.replace([emeishan, build.spot(XIANNVSHAN)])
    await system.catalogue.load()
    edition = await _published(system)
    visitor = await _visitor(system, sandbox_url)
    await _scanned_twice(system, edition, visitor)
    await _claimed(system, visitor)
    await _amended(system)
    await _named_wrongly(system)
    golden_week = DateRange(date(2026, 10, 1), date(2026, 10, 7))
    year = HolidayYear(2026, {Holiday.NATIONAL_DAY.value: (golden_week,)})
    await system.terms.stored_holidays.put(year)
    await system.terms.withdrawing.withdraw("spring-2026", "sold out", OPERATOR, NOW)
    leaving = build.spot_withdrawal(product_id="spring-2026", at=NOW)
    await system.terms.spot_withdrawing.withdraw(leaving, OPERATOR)
    await system.rights.requests.exported(asked_by(visitor, RequestKind.EXPORT), NOW)
    readers = frozenset({Reader.ID_CARD})
    keeping = system.admission.gate_keeping
    await keeping.add(XIANNVSHAN, GateKind.WINDOW, "北门", OPERATOR, NOW, readers)
    bundle, counters = BundleHeld(0, 1782871200000, NOW), Counters(412, 127, 285)
    program = "bashu-gate 1.0"
    last_scan_at = NOW - timedelta(seconds=20)
    await system.admission.heartbeats.put(
        Heartbeat("emeishan-wezb", NOW, program, 3, -120, bundle, last_scan_at, counters)
    )
    await system.admission.vain_counts.add("emeishan-wezb", NOW)
    until = NOW + timedelta(days=3650)  # the database drops what has ended, by its own clock
    barred = Bar(build.SEALER.seal(build.person(9)).lookup, until, "多次冒用", OPERATOR, NOW)
    await system.people.barring.bar(barred)
    window = build.gate(GateKind.WINDOW, XIANNVSHAN, id="wulong-xiannvshan-3n8c")
    by_hand = StaffDecision(window, "c47d0e91b2a8f356", WhyByHand.DEVICE_FAULT, "闸机黑屏", "07")
    await system.admission.by_hand.admit(by_hand, Shown(people=2), NOW)
    await system.signing.uses.put(KeyUse(1, NOW, NOW, NOW))
    await system.signing.processes.put(Process("9f3c1e7a5b2d8c40", "server-1 4711", (1,), NOW))
    full = StaffDecision(window, "7f20c5d1a9e86b34", WhyStopped.FULL)
    await system.admission.stopping.stop_here(full, NOW + timedelta(hours=3), NOW)
    await system.filters.filtering.make(NOW)
    await system.filters.marks.mark(build.SERIAL)
    return system


async def _decided_alone(system: System, gate: Gate, held: Pass) -> None:
    """The pass was let in once more, by a turnstile without a line."""
    alone = replace(gate, id="emeishan-k4tp", kind=GateKind.TURNSTILE)
    at = NOW + timedelta(minutes=3)
    scan = Scan(alone, live_text(held, system.codes, at), "e1b7704cd9235fa8", at)
    item = ScanItem(scan, DecidedAlone(Reason.OK, 1))
    received_at = NOW + timedelta(minutes=40)
    timing = Timing(received_at, received_at, "0:1782871200000")
    await system.admission.uploading.upload([item], timing)


async def _published(system: System) -> Edition:
    """An edition with one of everything that terms can say."""
    terms = build.terms(
        limits=Limits(per_spot_day=1, per_spot=3, total=20),
        overrides={EMEISHAN: {"per_spot_day": 1, "per_spot": 1}},
    )
    draft = replace(
        build.product("spring-2026"),
        title=Text("春季票", "Spring pass"),
        terms=terms,
        price_fen=19_900,
        sale=SaleWindow(start=date(2026, 2, 1)),
    )
    await system.terms.publishing.publish([draft], OPERATOR, NOW)
    await system.terms.editions.load()
    edition = system.terms.editions.current("spring-2026")
    assert edition is not None
    return edition


async def _visitor(system: System, sandbox_url: str) -> Visitor:
    """A visitor who is signed in, has a phone number and a real name, and belongs to a union."""
    people = system.people
    visitor = await people.accounts.of_openid("openid-of-the-sandbox", NOW)
    await people.signing_in.begin(visitor, NOW)
    wechat = WeChat(
        sandbox_url, SANDBOX_APPID, SANDBOX_SECRET, people.app_tokens, people.vault, lambda: NOW
    )
    number = await wechat.phone_number("sandbox:13800000000")
    await people.accounts.set_phone(visitor, number, NOW)
    said = IdentityDocument(DocumentKind.RESIDENT, HOLDER.name, HOLDER.number)
    statement = IdentityStatement(said, SETTINGS.privacy_version)
    visitor = await people.identification.identify(visitor, statement, NOW)
    version = SETTINGS.privacy_version
    await people.accompanying.add_child(visitor, build.CHILD, version, NOW)
    await people.accompanying.make_code(visitor, version, NOW)
    await people.members.add(visitor.lookup, UNION_MEMBER)
    return visitor


async def _scanned_twice(system: System, edition: Edition, visitor: Visitor) -> None:
    """A pass that was admitted, and on its second try of the day refused."""
    new = NewPass(edition, visitor.holder, traits=traits_of(HOLDER, TODAY))
    held = await system.holding.issuing.issue(new, OPERATOR, NOW)
    added = await system.admission.gate_keeping.add(
        EMEISHAN, GateKind.HANDHELD, "南门2", OPERATOR, NOW
    )
    gate = await system.admission.gate_keeping.enrol(added.setup_code, NOW)
    for nonce, minutes in (("5dfb1cb2d35c1769", 1), ("9a04c1e26fd0b357", 2)):
        at = NOW + timedelta(minutes=minutes)
        scan = Scan(gate, live_text(held, system.codes, at), nonce, at, lane="2")
        await system.admission.admission.admit(scan, at)
    await _decided_alone(system, gate, held)


async def _amended(system: System) -> None:
    """Thirty days more, and five visits, for the passes that were sold."""
    more = Amendment("spring-2026", 0, NOW, "closed for a month", days=30, limits={"total": 25})
    await system.terms.amending.amend(more, OPERATOR, NOW)


async def _named_wrongly(system: System) -> None:
    """Another account says to be the holder, under another name."""
    other = await system.people.accounts.of_openid("another-openid", NOW)
    said = IdentityDocument(DocumentKind.RESIDENT, "测试乙", HOLDER.number)
    with suppress(Conflict):
        await system.people.identification.identify(
            other, IdentityStatement(said, SETTINGS.privacy_version), NOW
        )


async def _claimed(system: System, visitor: Visitor) -> None:
    """A voucher of an offer for two spots that counts by spot and day."""
    draft = build.offer(
        id="bogo-2026",
        version=0,
        spots=frozenset({EMEISHAN, XIANNVSHAN}),
        quota=Quota(total=1200, per_day=20, per_spot_day=10),
        with_pass=True,
        price_fen=16_000,
    )
    await system.offers.publishing.publish([draft], OPERATOR, NOW)
    await system.offers.offers.load()
    await system.terms.editions.load()
    offer = system.offers.offers.get(draft.id)
    voucher = system.terms.editions.current(draft.id)
    assert offer is not None
    assert voucher is not None
    await system.offers.claiming.claim(visitor, Claim(offer, voucher, XIANNVSHAN), NOW)
