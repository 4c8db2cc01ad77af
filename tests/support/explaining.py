"""Whether what is stored is explained by what clients were told, and the other way round."""

from collections import Counter
from collections.abc import Iterable, Sequence

from passes.holding.model import Pass
from passes.ledger.records import Record, RecordKind, fold, standing
from tests.support.clients import TriedClaim, TriedScan


def faults_of_ledger(
    records: Sequence[Record], scans: Iterable[TriedScan], limit: int | None
) -> list[str]:
    """What is wrong with the whole ledger of a pass, whose scans have all been answered."""
    faults = []
    if [record.n for record in records] != list(range(1, len(records) + 1)):
        faults.append("the numbers of the records have a gap")
    scans = list(scans)
    admitted = [_named(scan) for scan in scans if scan.admitted]
    annulled = [_named(scan) for scan in scans if scan.annulled]
    faults += _differences("admission", admitted, _stored(records, RecordKind.ADMITTED))
    faults += _differences("annulment", annulled, _stored(records, RecordKind.ANNULLED))
    if records and records[-1].tally != fold(records):
        faults.append("the newest tally is not that of the records")
    for end in range(1, len(records) + 1):
        if limit is not None and len(standing(records[:end])) > limit:
            faults.append(f"record {end} exceeds the limit of {limit}")
    return faults


def faults_of_vouchers(
    vouchers: Sequence[Pass], claims: Iterable[TriedClaim], quota: int
) -> list[str]:
    """What is wrong with the vouchers of an offer, whose claims have all been answered."""
    told = [claim for claim in claims if claim.voucher is not None]
    acknowledged = [claim.voucher or "" for claim in told]
    given_back = [claim.voucher or "" for claim in told if claim.cancelled]
    cancelled = [voucher.id for voucher in vouchers if voucher.cancelled_at is not None]
    faults = _differences("voucher", acknowledged, [voucher.id for voucher in vouchers])
    faults += _differences("cancellation", given_back, cancelled)
    live = [voucher for voucher in vouchers if voucher.cancelled_at is None]
    if len(live) > quota:
        faults.append(f"{len(live)} vouchers where there are {quota}")
    holders = Counter(voucher.holder.lookup for voucher in live)
    if any(count > 1 for count in holders.values()):
        faults.append("somebody holds two vouchers")
    return faults


def _stored(records: Iterable[Record], kind: RecordKind) -> list[str]:
    return [f"{each.gate_id} {each.nonce}" for each in records if each.kind is kind]


def _named(scan: TriedScan) -> str:
    return f"{scan.gate.id} {scan.body['nonce']}"


def _differences(what: str, told: Iterable[str], stored: Iterable[str]) -> list[str]:
    """What was acknowledged and is lost; what is stored and nobody was told, or more than once."""
    expected, actual = Counter(told), Counter(stored)
    faults = [f"{what} {name} is lost" for name in expected - actual]
    for name in actual - expected:
        if name in expected:
            faults.append(f"{what} {name} is doubled")
        else:
            faults.append(f"{what} {name} is not explained")
    return faults
