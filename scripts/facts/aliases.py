"""Aliases: after parts have got their own names, no other name may mean two spots.

A whole may be called by the name of its part only where that is its own short name: 乐山大佛 means
乐山大佛景区, too.
"""

from collections.abc import Mapping, Sequence

from scenic_data.files import FileRecord
from scripts.facts.slugs import core


def settled(
    records: Sequence[FileRecord], others: Mapping[str, str], decided: Mapping[str, Sequence[str]]
) -> list[FileRecord]:
    """The records with their other names settled.

    `others` are the names of spots without a record, with their ids.
    """
    owners = dict(others) | {record.fields["name"]["zh"]: str(record.id) for record in records}
    claimed = {alias: slug for slug, aliases in decided.items() for alias in aliases}
    seen: set[str] = set()
    made = []
    for record in records:
        slug, name = str(record.id), record.fields["name"]["zh"]
        wanted = decided.get(slug, record.fields.get("aliases", ()))
        aliases = []
        for alias in wanted:
            another = owners.get(alias, slug) != slug and core(name) != core(alias)
            if (
                alias != name
                and not another
                and claimed.get(alias, slug) == slug
                and alias not in seen
            ):
                aliases.append(alias)
                seen.add(alias)
        fields = {field: value for field, value in record.fields.items() if field != "aliases"}
        made.append(FileRecord(record.where, fields | ({"aliases": aliases} if aliases else {})))
    return made
