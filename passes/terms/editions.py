"""The editions in memory: every process holds all of them, because every pass names one.

Knows no database; where they are read from is a parameter.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from passes.base.errors import Unavailable
from passes.base.text import Text
from passes.terms.amendments import Amendment, amended
from passes.terms.edition import Edition
from passes.terms.spot_withdrawals import SpotWithdrawal
from passes.terms.withdrawing import Withdrawal


class Editions:
    """All editions of all products, as they were at the last `load`. Empty until the first."""

    def __init__(
        self,
        source: Callable[[], Awaitable[Sequence[Edition]]],
        amendments: Callable[[], Awaitable[Sequence[Amendment]]],
        withdrawals: Callable[[], Awaitable[Sequence[Withdrawal]]],
        spot_withdrawals: Callable[[], Awaitable[Sequence[SpotWithdrawal]]],
    ) -> None:
        """`source` reads all of them from where they are stored, `amendments` what was added to
        them since, `withdrawals` which products are sold no more, `spot_withdrawals` which spots
        leave them."""
        self._source = source
        self._amendments = amendments
        self._withdrawals = withdrawals
        self._spot_withdrawals = spot_withdrawals
        self._by_reference: dict[tuple[str, int], Edition] = {}
        self._all: tuple[Edition, ...] = ()
        self._current: dict[str, Edition] = {}
        self._all_current: tuple[Edition, ...] = ()

    async def load(self) -> None:
        """Replace them by what is stored now, in one step. Raises `Unavailable`."""
        amendments = await self._amendments()
        withdrawn = {each.product_id for each in await self._withdrawals()}
        by_product: dict[str, tuple[SpotWithdrawal, ...]] = {}
        for left in sorted(await self._spot_withdrawals(), key=lambda each: each.start):
            by_product[left.product_id] = (*by_product.get(left.product_id, ()), left)
        found = [
            replace(
                amended(each, amendments),
                withdrawn=each.product_id in withdrawn,
                spot_withdrawals=by_product.get(each.product_id, ()),
            )
            for each in await self._source()
        ]
        found.sort(key=lambda edition: edition.version)
        self._by_reference = {(each.product_id, each.version): each for each in found}
        self._all = tuple(self._by_reference.values())
        current = {each.product_id: each for each in found}
        self._all_current = tuple(sorted(current.values(), key=lambda each: each.number))
        self._current = current

    def all(self) -> Sequence[Edition]:
        """Every version of every product, as amended: the same object until the next `load`."""
        return self._all

    def current(self, product_id: str) -> Edition | None:
        """The newest edition of a product: what is issued today."""
        return self._current.get(product_id)

    def all_current(self) -> Sequence[Edition]:
        """The newest edition of every product: the same object until the next `load`."""
        return self._all_current

    async def find(self, product_id: str, version: int) -> Edition:
        """The edition that a pass names. One that is not known may have been published a moment
        ago by another process, so all are loaded anew at once.

        Raises `Unavailable` if it is not known then either: a pass is never judged by other terms.
        """
        reference = (product_id, version)
        if reference not in self._by_reference:
            await self.load()
        edition = self._by_reference.get(reference)
        if edition is None:
            text = Text(
                "票种版本尚未加载，请重试",
                f"edition {version} of product {product_id!r} is not known here yet; try again",
            )
            raise Unavailable("edition_unknown", text)
        return edition
