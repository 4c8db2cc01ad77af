"""Prices: how many people of a party pay when they come, and how much.

A benefit is what a voucher is worth at a spot. Money is integer fen; a part of a fen is not taken.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from passes.terms.times import Season


class Payment(StrEnum):
    """When the visitor pays."""

    PAID = "paid"
    AT_WINDOW = "at_window"


@dataclass(frozen=True, slots=True)
class Party:
    """One visit admits up to `admits` people, of whom `pays` pay: buy one, get one free is 2 and 1.

    `each_fen` is what each of these pays at a window, if it was said.
    """

    admits: int = 1
    pays: int = 1
    each_fen: int | None = None


class BenefitKind(StrEnum):
    """What a voucher is worth."""

    BUY_ONE_GET_ONE = "buy_one_get_one"
    PERCENT = "percent"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Benefit:
    """`percent` is what is taken off the price, and set for that kind alone."""

    kind: BenefitKind
    percent: int | None = None

    def __str__(self) -> str:
        if self.percent is None:
            return self.kind.value
        return f"{self.kind.value}:{self.percent}"

    def party(self, price_fen: int | None) -> Party:
        """How many people come in, and what they pay of a ticket price."""
        match self.kind:
            case BenefitKind.FREE:
                return Party(admits=1, pays=0)
            case BenefitKind.BUY_ONE_GET_ONE:
                return Party(admits=2, pays=1, each_fen=price_fen)
            case BenefitKind.PERCENT:
                return Party(admits=1, pays=1, each_fen=self._reduced(price_fen))

    def _reduced(self, price_fen: int | None) -> int | None:
        if price_fen is None:
            return None
        percent_to_pay = 100 - (self.percent or 0)
        return price_fen * percent_to_pay // 100


@dataclass(frozen=True, slots=True)
class SeasonPrice:
    """What a ticket costs in a season of every year; in all that are not named, if it has none."""

    fen: int
    season: Season | None = None

    def holds_on(self, day: date) -> bool:
        """Whether it is the price of a day, where no season of another price says otherwise."""
        return self.season is None or day in self.season
