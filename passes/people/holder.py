"""The holder of a pass as stored: sealed, with a keyed hash to find them and masks to show."""

from dataclasses import dataclass, field

from passes.base.stored import IN_MEMORY
from passes.people.sealing import Sealed


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a pass belongs to: sealed name and number, keyed hashes of both, and masks to show.

    `lookup`, the keyed hash of the document, finds them. A visitor without a real name has a
    `lookup` alone, made of the account, and who has shown a card at a gate that of the card; a
    holder whose data were erased has not even that.
    `name_digest` is the keyed hash of the name; of a name that could be stored in several writings
    before they were brought to one form, the hash of each, with blanks between them.
    `name_bucket` is one of 4,096, by which whoever has the same name is found
    (docs/adr/0047-found-by-name.md); empty where it is not known.
    `place` is the record that `sealed` was read from and is bound to, empty before it is stored.
    """

    lookup: str
    name_digest: str = ""
    sealed: Sealed | None = field(default=None, compare=False)  # sealed twice, the same differs
    name_mask: str = ""
    number_mask: str = ""
    name_bucket: str = field(default="", compare=False)  # follows from the name
    place: str = field(default="", compare=False, metadata=IN_MEMORY)

    @property
    def named(self) -> bool:
        """Whether it has a name: an account alone has none, nor who has only shown a card."""
        return bool(self.name_digest)

    def is_same(self, other: "Holder") -> bool:
        """Whether it is the same person: the same document under the same name."""
        mine, theirs = self.name_digest.split(" "), other.name_digest.split(" ")
        return self.lookup == other.lookup and not set(mine).isdisjoint(theirs)

    def owns(self, holder: "Holder") -> bool:
        """Whether a pass of that holder is theirs: issued to their document under their name, or
        under none, as to a card."""
        return holder.is_same(self) or (holder.lookup == self.lookup and not holder.named)

    @property
    def mask(self) -> str:
        """What gate staff see beside the visitor's card: `张* 110***********0015`."""
        return f"{self.name_mask} {self.number_mask}".strip()


NOBODY = Holder(lookup="")
"""The holder of a pass whose visitor has had their data erased."""
