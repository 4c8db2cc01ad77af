"""The holder of a pass, as stored: sealed, with a keyed hash to be found by and masks to be shown."""

from dataclasses import dataclass

from passes.people.sealing import Sealed


@dataclass(frozen=True, slots=True)
class Holder:
    """The visitor a pass belongs to: sealed name and number, keyed hashes of both, and masks to show.

    `lookup`, the hash of the document, finds them. A visitor without a real name is known by it alone; one whose data
    were erased, by nothing.
    """

    lookup: str
    name_digest: str = ""
    sealed: Sealed | None = None
    name_mask: str = ""
    number_mask: str = ""

    def is_same(self, other: "Holder") -> bool:
        """Whether it is the same person: the same document under the same name."""
        return (self.lookup, self.name_digest) == (other.lookup, other.name_digest)

    @property
    def mask(self) -> str:
        """What gate staff see beside the visitor's card: `张* 110***********0015`."""
        return f"{self.name_mask} {self.number_mask}".strip()


NOBODY = Holder(lookup="")
"""The holder of a pass whose visitor has had their data erased."""
