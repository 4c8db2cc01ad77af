"""Offers: what operators promise visitors for some weeks, such as buy one, get one free (买一送一).

An offer says who may claim a voucher, where and when; what a voucher then allows is in its terms.
"""

from enum import StrEnum


class Group(StrEnum):
    """Who may claim."""

    ANYONE = "anyone"
    NATIVE_OF_CHONGQING = "native_of:chongqing"
    NATIVE_OF_SICHUAN = "native_of:sichuan"
    UNION_MEMBER = "union_member"
