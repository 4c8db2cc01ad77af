"""What the commands that publish files have in common."""

from collections.abc import Iterable
from enum import Enum
from typing import Any

from pydantic_core import to_json

from passes.publishing import Published
from scripts.common import show


def show_published(published: Published, dry_run: bool, as_json: bool) -> None:
    """Print what was published, or would be; for people with every field that changes."""
    groups = {"created": published.created, "changed": published.changed, "unchanged": published.unchanged}
    if as_json:
        show({**groups, "errors": []}, as_json)
        return
    for sign, slugs in (("+", published.created), ("~", published.changed)):
        for slug in slugs:
            print(sign, slug)
            for field, old, new in published.changes.get(slug, ()):
                print(f"    {field}: {_changed(old, new)}")
    print(", ".join(f"{name} {len(slugs)}" for name, slugs in groups.items()))
    if dry_run:
        print("dry run: nothing was stored")


def _changed(old: Any, new: Any) -> str:
    if isinstance(old, frozenset) and isinstance(new, frozenset):
        return " ".join([*(f"+{each}" for each in _plain(new - old)), *(f"-{each}" for each in _plain(old - new))])
    return f"{_written(old)} → {_written(new)}"


def _plain(values: Iterable[Any]) -> list[str]:
    return sorted(str(value.value if isinstance(value, Enum) else value) for value in values)


def _written(value: object) -> str:
    return "none" if value is None else to_json(value).decode()
