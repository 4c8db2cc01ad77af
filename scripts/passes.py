"""`passes`: issue a pass, and give it to its holder."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from passes.admission.cases import CaseFile
from passes.admission.history import Event
from passes.base import typed
from passes.base.calendar import business_day
from passes.base.errors import unknown
from passes.base.text import Text
from passes.holding.change import stored
from passes.holding.finding import Found, Match, Search
from passes.holding.issuing import NewPass
from passes.holding.lifecycle import Step
from passes.holding.model import Pass, PassState
from passes.holding.shown_code import live_text, static_text
from passes.holding.wallet import Wallet
from passes.ledger.tally import Tally
from passes.people.groups import Group, group_named
from passes.people.identity import DocumentKind
from scenic_data.model import Spot
from scripts.common import (
    AsJson,
    BornOption,
    CountryOption,
    DataDir,
    DryRun,
    KindOption,
    NameOption,
    NumberOption,
    SaidName,
    SaidNumber,
    SaidPhone,
    identity_of,
    lookup_of,
    note_look,
    operator,
    phone_of,
    plain,
    refuse,
    show,
    show_rows,
    show_with_lists,
    with_system,
)
from server.clock import now
from server.system import System

app = typer.Typer(help="Passes: annual passes and vouchers.", no_args_is_help=True)


class CodeKind(StrEnum):
    """A code for paper, which staff check, or the live code that is good for about a minute."""

    STATIC = "static"
    ROTATING = "rotating"


PassId = Annotated[str, typer.Argument(parser=typed.slug, help="The id of the pass.")]
CodeOption = Annotated[
    CodeKind, typer.Option("--code", help="A code for paper, or the live code of this moment.")
]


@app.command()
def issue(
    product: Annotated[str, typer.Option(parser=typed.slug, help="The id of the product.")],
    name: NameOption,
    id_number: NumberOption,
    kind: KindOption = DocumentKind.RESIDENT,
    country: CountryOption = None,
    born: BornOption = None,
    first_day: Annotated[
        datetime | None,
        typer.Option(
            "--from", formats=["%Y-%m-%d"], help="First day (today); not for fixed dates."
        ),
    ] = None,
    code: CodeOption = CodeKind.STATIC,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Issue a pass to a holder, and print its code, ready to be scanned."""

    async def command(system: System) -> dict[str, Any]:
        sold = system.terms.editions.current(product)
        if sold is None:
            raise unknown(Text("票种", "product"), product)
        identity = identity_of(name, id_number, kind, country, born)
        new = NewPass(
            edition=sold,
            holder=system.people.identities.seal(identity),
            first_day=None if first_day is None else first_day.date(),
            identity=identity,
        )
        issued = await system.holding.issuing.issue(new, operator(), now())
        valid = issued.valid_after(Tally())
        fields: dict[str, Any] = {
            "pass_id": issued.id,
            "code": _text(issued, code, system),
            "valid_from": valid.start,
            "valid_until": valid.end,
        }
        if issued.activate_by is not None:
            fields["activate_by"] = issued.activate_by
        # A pass of fixed dates may be sold after their first.
        age = identity.age_on(max(issued.days.start, business_day(now())))
        opened = [spot for spot in system.catalogue.snapshot.all() if issued.opens(spot)]
        return {**fields, "warnings": free_by_law_warnings(opened, age)}

    document = with_system(command, data_dir, as_json)
    if not as_json:
        for warning in document.pop("warnings"):
            print(f"warning: {warning}", file=sys.stderr)
    show(document, as_json)


def free_by_law_warnings(opened: Sequence[Spot], age: int) -> list[str]:
    """What the office is told when it sells to somebody of an age at which some of the spots that
    the pass opens are free by law, as far as their sources say."""
    rules_by_spot = [[each for each in spot.free_entry if each.admits_age(age)] for spot in opened]
    free = [rules for rules in rules_by_spot if rules]
    if not free:
        return []
    warning = f"at {age} the holder enters free by law at {len(free)} of {len(opened)} spots"
    but_holidays = sum(all(each.not_on_holidays for each in rules) for rules in free)
    if but_holidays:
        warning += f" ({but_holidays} of them not on statutory holidays)"
    return [warning]


@app.command("code")
def show_code(
    pass_id: PassId,
    code: CodeOption = CodeKind.ROTATING,
    png: Annotated[
        Path | None, typer.Option(help="Also draw it into this file.", dir_okay=False)
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Print the code of a pass, ready to be scanned."""

    async def command(system: System) -> dict[str, object]:
        held = await _held(pass_id, system)
        await note_look(system, f"pass:{held.id}")
        return {"pass_id": pass_id, "code": _text(held, code, system)}

    document = with_system(command, data_dir, as_json)
    if png is not None:
        from handlers.holding.pictures import PNG, qr_picture  # noqa: PLC0415 - takes a while

        try:
            png.write_bytes(qr_picture(str(document["code"]), PNG))
        except OSError as error:
            refuse(f"{png} cannot be written: {error.strerror}", as_json=as_json)
    show(document, as_json)


@app.command()
def token(pass_id: PassId, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Print a bearer token that shows one pass for an hour: its code and QR pictures."""
    from server.auth import PASS_LIFE, Tokens  # noqa: PLC0415 - takes a while

    async def command(system: System) -> dict[str, object]:
        held = await _held(pass_id, system)
        await note_look(system, f"pass:{held.id}")
        issued_at = now()
        return {
            "token": Tokens(system.keys.tokens, system.keys.epoch).for_pass(held.id, issued_at),
            "expires_at": issued_at + PASS_LIFE,
        }

    show(with_system(command, data_dir, as_json), as_json)


ReasonOption = Annotated[str, typer.Option(help="Why; kept in the audit log.")]


@app.command()
def activate(pass_id: PassId, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Activate a pass: its days begin today."""
    _take(Step.ACTIVATE, pass_id, "", data_dir, as_json)


@app.command()
def freeze(
    pass_id: PassId, reason: ReasonOption = "", data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Freeze a pass that is lost or appealed against: it admits nowhere until it is unfrozen."""
    _take(Step.FREEZE, pass_id, reason, data_dir, as_json)


@app.command()
def unfreeze(
    pass_id: PassId, reason: ReasonOption = "", data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Let a frozen pass admit again."""
    _take(Step.UNFREEZE, pass_id, reason, data_dir, as_json)


@app.command()
def revoke(
    pass_id: PassId,
    reason: ReasonOption,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a pass; `restore` takes that back."""
    _take(Step.REVOKE, pass_id, reason, data_dir, as_json)


@app.command()
def rescind(
    pass_id: PassId,
    reason: ReasonOption,
    paid_fen: Annotated[
        int | None, typer.Option(help="What the receipt says, in fen, where it is not known here.")
    ] = None,
    dry_run: DryRun = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Give a time card back because a spot that was sold with it leaves (`withdraw-spot`).

    Tells the refund that is due to whoever paid: the price of the days that are left.
    """

    async def command(system: System) -> dict[str, object]:
        rescinding = system.holding.rescinding
        if dry_run:
            after = await rescinding.preview(pass_id, now(), reason, paid_fen)
        else:
            after = await rescinding.rescind(pass_id, operator(), now(), reason, paid_fen)
        sale = after.sale
        return {
            **await summary_of(after, system.holding.wallet),
            "payer": sale.payer,
            "batch": sale.batch,
            "paid_fen": sale.paid_fen,
            "refund_fen": sale.refund_fen,
        }

    show(with_system(command, data_dir, as_json), as_json)


@app.command()
def restore(
    pass_id: PassId,
    reason: ReasonOption,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Give back to its holder a pass that staff revoked in error."""

    async def command(system: System) -> dict[str, object]:
        restoring = system.holding.restoring
        restored = await restoring.restore(pass_id, operator(), now(), reason)
        return await summary_of(restored, system.holding.wallet)

    show(with_system(command, data_dir, as_json), as_json)


@app.command()
def reissue(
    pass_id: PassId,
    reason: ReasonOption,
    code: CodeOption = CodeKind.STATIC,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Give a pass a new serial: its visits go along, every code of the old one is dead."""

    async def command(system: System) -> dict[str, object]:
        new = await system.holding.reissuing.reissue(pass_id, operator(), now(), reason)
        return {"code": _text(new, code, system), **await summary_of(new, system.holding.wallet)}

    show(with_system(command, data_dir, as_json), as_json)


@app.command("show")
def show_pass(pass_id: PassId, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show a pass and everything that happened to it, also under the serials it had before."""

    async def command(system: System) -> dict[str, Any]:
        return await page_of(await _held(pass_id, system), system)

    page = with_system(command, data_dir, as_json)
    if not as_json:
        for event in page["story"]:
            event["detail"] = _joined(event["detail"])
    show_with_lists(page, as_json)


async def page_of(held: Pass, system: System) -> dict[str, Any]:
    """What `show` tells of a pass; that somebody looked is written down before."""
    await note_look(system, f"pass:{held.id}")
    line = await system.admission.histories.lineage(held)
    serials = [each.id for each in line]
    cases = await system.admission.case_work.of_passes(serials)
    tally = await system.holding.wallet.tally_of(held)
    sale, traits = held.sale, held.traits
    history = await system.admission.histories.whole(held)
    return {
        **await summary_of(held, system.holding.wallet),
        "title": held.edition.title.zh,
        "version": held.edition.version,
        "chosen_spot": held.chosen_spot,
        "genuine": held.genuine,
        "visits": tally.total,
        "origin": traits.origin,
        "age_band": traits.age_band,
        "batch": sale.batch,
        "payer": sale.payer,
        "paid_fen": sale.paid_fen,
        "refund_fen": sale.refund_fen,
        "frozen_on": held.frozen_on,
        "frozen_by": held.frozen_by,
        "paused_days": held.paused_days,
        "cancelled_at": held.cancelled_at,
        "card_due_since": held.card_due_since if held.card_is_due(tally) else None,
        "marks": [asdict(each) for each in held.misuses],
        "cases": [_case(case) for case in cases],
        # Conflicts of gates that decided alone become another list here.
        "story": [{**_event(event), "detail": event.detail} for event in history],
    }


def _case(case: CaseFile) -> dict[str, object]:
    return {
        "case": case.id,
        "kind": case.kind.value,
        "opened_at": case.opened_at,
        "spot": case.spot_id,
        "reason": case.reason,
        "people": case.people,
        "annulled_at": case.annulled_at,
        "closed_at": case.closed_at,
        "closing_note": case.closing_note,
    }


@app.command()
def find(
    name: SaidName = None,
    id_number: SaidNumber = None,
    phone: SaidPhone = None,
    union: Annotated[
        str | None, typer.Option(help="The slug of a union of which the holder is a member.")
    ] = None,
    kind: KindOption = DocumentKind.RESIDENT,
    country: CountryOption = None,
    product: Annotated[
        str | None, typer.Option(parser=typed.slug, help="Passes of this product or offer alone.")
    ] = None,
    state: Annotated[PassState | None, typer.Option(help="Passes in this state alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many passes are shown.")] = 100,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Find passes by what their holder says: name, document, phone or union; each narrows more.

    Who looks for whose pass is written into the audit log.
    """
    if name is id_number is phone is union is None:
        raise typer.BadParameter("say --name, --id-number, --phone or --union")
    if id_number is not None and phone is not None:
        raise typer.BadParameter("say --id-number or --phone, not both")

    async def command(system: System) -> Found:
        accounts = lookup = group = None
        if phone is not None:
            accounts = await system.people.accounts.of_phone(phone_of(phone))
        if id_number is not None:
            lookup = lookup_of(system, id_number, kind, country)
        if union is not None:
            group = union_group(union)
        asked = Search(lookup, accounts, name, group, product, state, limit)
        return await system.holding.finding.find(asked, operator(), now())

    found = with_system(command, data_dir, as_json)
    rows = [_match(match) for match in found.matches]
    if as_json:
        show({"passes": rows, "more": found.more}, as_json)
        return
    show_rows(rows, as_json)
    if found.more:
        print(f"there are more than these {limit}: say more of the holder, or --limit 1000")


def union_group(slug: str) -> Group:
    """The group of a union. Refuses what is no slug."""
    try:
        return group_named(f"union:{slug}")
    except ValueError:
        what = f"a union is named by its slug, such as emei, and not {slug!r}"
        raise typer.BadParameter(what) from None


def _match(match: Match) -> dict[str, object]:
    held = match.held
    return {
        "pass_id": held.id,
        "product": held.product_id,
        "holder": held.holder.mask,
        "same_name": match.bears_name,
        "state": held.state_on(business_day(now())),
        "valid_from": held.days.start,
        "valid_until": held.days.end,
        "issued_at": held.issued_at,
        "reissued_as": held.reissued_as,
    }


def _event(event: Event) -> dict[str, object]:
    return {"at": event.at, "what": event.what, "by": event.by, "spot": event.spot_id}


def _joined(detail: Mapping[str, str]) -> str:
    return ", ".join(_told(name, value) for name, value in detail.items())


def _told(name: str, value: str) -> str:
    """A detail for people: money in yuan, instants by the clock in Asia/Shanghai."""
    if name == "amount_fen":
        return f"amount {int(value) / 100:.2f} yuan"
    if name == "scanned_at":
        return f"scanned_at {plain(datetime.fromisoformat(value))}"
    return f"{name} {value}"


def _take(step: Step, pass_id: str, reason: str, data_dir: Path | None, as_json: bool) -> None:
    async def command(system: System) -> dict[str, object]:
        after = await system.holding.lifecycle.take(pass_id, step, operator(), now(), reason)
        return await summary_of(after, system.holding.wallet)

    show(with_system(command, data_dir, as_json), as_json)


async def summary_of(held: Pass, wallet: Wallet) -> dict[str, object]:
    """What commands print of a pass, its valid days by its visits."""
    valid = held.valid_after(await wallet.tally_of(held))
    return {
        "pass_id": held.id,
        "product": held.product_id,
        "holder": held.holder.mask,
        "state": held.state_on(business_day(now())),
        "valid_from": valid.start,
        "valid_until": valid.end,
        "activate_by": held.activate_by,
        "activated_at": held.activated_at,
        "issued_at": held.issued_at,
        "reissued_as": held.reissued_as,
        "reissued_from": held.reissued_from,
    }


async def _held(pass_id: str, system: System) -> Pass:
    return await stored(pass_id, system.holding.passes)


def _text(held: Pass, kind: CodeKind, system: System) -> str:
    if kind is CodeKind.STATIC:
        return static_text(held, system.keys.codes)
    return live_text(held, system.keys.codes, now())
