"""How often a trial is repeated: a few rounds in the suite, many with `pytest --long`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rounds:
    """The rounds of this run."""

    long: bool

    def __call__(self, few: int, *, many: int) -> range:
        """Numbers of rounds: few, or many by `--long`."""
        return range(many if self.long else few)


@dataclass(frozen=True)
class Kills:
    """The rounds of the kill test; each is told by its number alone."""

    many: int
    seed: int

    def numbers(self) -> range:
        """The numbers of the rounds, from the seed on."""
        return range(self.seed, self.seed + self.many)


@dataclass(frozen=True)
class Outage:
    """The offline trial: its troubles follow from the seed."""

    seed: int
    seconds: float
    """How long troubles come; then all is healed."""
