"""Groups of people, as offers name them."""

from enum import StrEnum


class Group(StrEnum):
    """Who may claim."""

    ANYONE = "anyone"
    NATIVE_OF_CHONGQING = "native_of:chongqing"
    NATIVE_OF_SICHUAN = "native_of:sichuan"
    UNION_MEMBER = "union_member"
