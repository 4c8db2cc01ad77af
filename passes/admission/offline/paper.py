"""Paper: on a day without power staff write down whom they let in, and operators type it in.

A line is recorded like an admission of a gate that decided alone, and is in conflict where the
rules say so. It is named by what it says, so that a file can be read again. Knows no file format.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from passes.admission.cards import Cards
from passes.admission.gates import Gate, GateKind, GateState, Scan, ShownCard
from passes.admission.lookup import Card
from passes.admission.offline.items import (
    DecidedAlone,
    ItemResult,
    ScanItem,
    Timing,
)
from passes.admission.offline.uploading import Uploading
from passes.base.audit import AuditLine
from passes.base.auditing import audited
from passes.base.errors import DomainError, Fault, Invalid, unknown
from passes.base.ports import Audit
from passes.base.text import Text
from passes.codes import format as codes
from passes.codes.keys import Keyring
from passes.codes.scanned import one_form
from passes.holding.genuine import check_genuine
from passes.holding.ports import Passes
from passes.holding.shown_code import static_text
from passes.ledger.records import By, Decision
from passes.ledger.verdicts import Reason

_AT_ONCE = 500
MOST_PEOPLE = 255
_SERIAL_DIGITS = 16


@dataclass(frozen=True, slots=True)
class PaperLine:
    """A line as it was typed: when, at which gate or spot, how many people, and with what: the
    serial of a pass, the text of a code, or the number of a resident ID card."""

    number: int
    at: datetime
    place: Gate
    people: int
    shown: str
    staff: str = ""
    note: str = ""

    @property
    def words(self) -> str:
        """What the line says, however often it stands there."""
        said = (self.at.isoformat(), self.place.id, str(self.people), self.shown)
        return "\n".join([*said, self.staff, self.note])


@dataclass(frozen=True, slots=True)
class ReadLine:
    """What came of a line: what is wrong with it, or what became of it."""

    number: int
    wrong: DomainError | None = None
    result: ItemResult | None = None


def place_of_spot(spot_id: str) -> Gate:
    """Where somebody was let in of whom the paper names the spot alone."""
    return Gate(f"{spot_id}-paper", spot_id, GateKind.HANDHELD, "", GateState.ENROLLED)


class Papers:
    """Records what stood on paper."""

    def __init__(
        self, keys: Keyring, passes: Passes, cards: Cards, uploading: Uploading, audit: Audit
    ) -> None:
        """`keys` sign codes, `passes` and `audit` are stores."""
        self._keys = keys
        self._passes = passes
        self._cards = cards
        self._uploading = uploading
        self._audit = audit

    async def read(
        self, lines: Sequence[PaperLine], by: str, now: datetime, *, dry_run: bool
    ) -> list[ReadLine]:
        """Record each line once, and say what came of it. With `dry_run` lines are only checked.

        A line that stands there twice is two visits. Reading the same lines again changes nothing.
        """
        read, items = [], list[tuple[int, ScanItem]]()
        seen = Counter[str]()
        for line in lines:
            seen[line.words] += 1
            try:
                items.append((line.number, await self._item(line, seen[line.words], by, now)))
            except DomainError as error:
                read.append(ReadLine(line.number, error))
        if dry_run or not items:
            return sorted([*read, *(ReadLine(n) for n, _ in items)], key=_number)
        subject = f"paper:{_digest(chr(10).join(line.words for line in lines))}"
        async with audited(self._audit) as entry:
            await entry.begin(
                AuditLine(now, by, "import_paper", subject, {"lines": str(len(items))})
            )
            for start in range(0, len(items), _AT_ONCE):
                some = items[start : start + _AT_ONCE]
                results = await self._uploading.upload([item for _, item in some], Timing(now, now))
                for (number, _), result in zip(some, results, strict=True):
                    read.append(ReadLine(number, result.error, result))
        return sorted(read, key=_number)

    async def _item(self, line: PaperLine, time: int, by: str, now: datetime) -> ScanItem:
        """The item of a line that stands there for the nth time. Raises what is wrong with it."""
        faults = []
        if not 1 <= line.people <= MOST_PEOPLE:
            faults.append(Fault("people", f"write 1 to {MOST_PEOPLE}"))
        if line.at > now:
            faults.append(Fault("time", "is still to come"))
        if faults:
            raise Invalid("line_invalid", Text("此行有误", "this line is wrong"), faults)
        nonce = f"paper-{_digest(f'{line.words}{time}')}"
        shown = await self._shown(line, nonce, now)
        scan = Scan(line.place, shown, nonce, line.at, line.people, staff=line.staff or None)
        return ScanItem(
            scan, DecidedAlone(Reason.OK, line.people), Decision(by, nonce, line.note or "paper")
        )

    async def _shown(self, line: PaperLine, nonce: str, now: datetime) -> str | ShownCard:
        """What people had with them. Raises `Invalid`, `Unknown`."""
        written = one_form(line.shown)
        if written.startswith(codes.PREFIX):
            return written
        if len(written) != _SERIAL_DIGITS:
            return self._cards.read(Card(line.shown), By.PAPER, line.place, nonce, now)
        held = await self._passes.get(written.lower())
        if held is None:
            raise unknown(Text("电子票", "pass"), line.shown)
        check_genuine(held)
        return static_text(held, self._keys)


def _number(line: ReadLine) -> int:
    return line.number


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:24]
