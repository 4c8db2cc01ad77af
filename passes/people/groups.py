"""Groups of people, as offers and products name them.

Some are told by the ID number (`native_of`). The others have members, whom operators add:
residents, members of any union, and of one union by its slug, `union:SLUG`.
"""

import re
from typing import NewType

from passes.people.identity import Identity
from passes.people.nativity import native_of as province_of

Group = NewType("Group", str)
"""Who may claim or hold something."""

ANYONE = Group("anyone")
UNION_MEMBER = Group("union_member")
PROVINCES = ("chongqing", "sichuan")

_KNOWN = re.compile(
    r"anyone|union_member|(native_of|resident_of):(chongqing|sichuan)|union:[a-z0-9]+(-[a-z0-9]+)*"
)
_LONGEST = 60


def native_of(province: str) -> Group:
    """Whose ID number was first given in a province."""
    return Group(f"native_of:{province}")


def resident_of(province: str) -> Group:
    """Who lives in a province, as operators or staff have seen."""
    return Group(f"resident_of:{province}")


def told_groups(identity: Identity) -> frozenset[Group]:
    """The groups that a document tells by itself."""
    province = province_of(identity)
    if province is None:
        return frozenset({ANYONE})
    return frozenset({ANYONE, native_of(province)})


def group_named(written: str) -> Group:
    """The group of that name. Raises `ValueError` saying which there are."""
    if len(written) > _LONGEST or not _KNOWN.fullmatch(written):
        raise ValueError(
            "there is no such group; write anyone, union_member, union:SLUG, native_of:sichuan, "
            "native_of:chongqing, resident_of:sichuan or resident_of:chongqing"
        )
    return Group(written)
