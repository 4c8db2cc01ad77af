"""What the commands that publish files have in common."""

import sys
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Annotated, Any, TypeVar

import typer
from pydantic_core import to_json

from passes.base.calendar import business_day
from passes.base.errors import Invalid
from passes.base.text import Text
from passes.terms.publishing import Draft, Published, Publishing, shrinking
from scripts.common import operator, show
from server.clock import now

T = TypeVar("T", bound=Draft)

YesFewer = Annotated[
    bool, typer.Option("--yes", help="Publish even if less than half of the spots stay covered.")
]


async def publish_drafts(
    publishing: Publishing[T], drafts: Sequence[T], *, dry_run: bool, yes: bool
) -> Published:
    """Publish drafts as the operator who runs the command, or only say what that would do.

    Without `yes`, raises `Invalid` for coverage that shrinks to less than half; else warns of it.
    """
    preview = await publishing.preview(drafts, business_day(now()))
    shrinks = shrinking(preview)
    if shrinks and not dry_run and not yes:
        text = Text(
            "覆盖景区大幅减少", "much fewer spots would be covered; add --yes if they shall"
        )
        raise Invalid("coverage_shrinks", text, shrinks)
    for fault in shrinks:
        print(f"warning: {fault}", file=sys.stderr)
    if dry_run:
        return preview
    return await publishing.publish(drafts, operator(), now())


def show_published(published: Published, dry_run: bool, as_json: bool) -> None:
    """Print what was published, or would be; for people with every field that changes."""
    groups = {
        "created": published.created,
        "changed": published.changed,
        "unchanged": published.unchanged,
    }
    if as_json:
        show({**groups, "errors": []}, as_json)
        return
    for mark, slugs in (("+", published.created), ("~", published.changed)):
        for slug in slugs:
            print(mark, slug)
            for field, old, new in published.changes.get(slug, ()):
                print(f"    {field}: {change_of(old, new)}")
    print(", ".join(f"{name} {len(slugs)}" for name, slugs in groups.items()))
    if dry_run:
        print("dry run: nothing was stored")


def change_of(old: Any, new: Any, *, nothing: str = "none") -> str:
    """How a value changes, in a few words; a set by what comes and goes. None is `nothing`."""
    if isinstance(old, frozenset) and isinstance(new, frozenset):
        added = [f"+{each}" for each in _sorted(new - old)]
        removed = [f"-{each}" for each in _sorted(old - new)]
        return " ".join(added + removed)
    return f"{_written(old, nothing)} → {_written(new, nothing)}"


def _sorted(values: Iterable[Any]) -> list[str]:
    return sorted(map(_plain, values))


def _plain(value: Any) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    return str(value)


def _written(value: object, nothing: str) -> str:
    if value is None:
        return nothing
    return to_json(value).decode()
