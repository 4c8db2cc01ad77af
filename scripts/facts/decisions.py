"""Decisions: what people have decided about the facts and no table says, from `decisions.yaml`."""

import re
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from passes.base.faults import faults_of
from scenic_data.files import DataError, load_yaml
from scenic_data.model import Name, Slug
from scripts.facts.texts import Rule, Texts

FILE = Path(__file__).parent / "decisions.yaml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class PartDecision(_Strict):
    """That a row of a table of spots is a part of another row, and the key of the source of
    that."""

    whole: str
    source: str


class RuleIn(_Strict):
    """A text of the facts that begins like `text` comes from the sources `keys`."""

    text: str
    keys: tuple[str, ...] = ()
    note: str | None = None


class Decisions(_Strict):
    """All decisions. Names are those of the rows."""

    ids: dict[str, Slug] = Field(default_factory=dict)
    """The id of a row, where neither its name nor the rule for new ids gives it."""
    aliases: dict[Slug, tuple[Name, ...]] = Field(default_factory=dict)
    """Other names of a spot, instead of those it has."""
    parts: dict[str, PartDecision] = Field(default_factory=dict)
    left_out: dict[str, str] = Field(default_factory=dict)
    """Parts that become no spot, and why."""
    dropped_remarks: str = "^$"
    """A regular expression for remarks that say nothing to readers of the catalogue."""
    sources: tuple[RuleIn, ...] = ()

    @classmethod
    def load(cls, file: Path = FILE) -> Self:
        """The decisions of a file. Raises `DataError`."""
        try:
            return cls.model_validate(load_yaml(file))
        except ValidationError as error:
            raise DataError(
                [f"{file.name}: {path}: {what}" for path, what in faults_of(error)]
            ) from None

    def texts(self) -> Texts:
        """What turns texts into keys."""
        rules = [Rule(re.compile(rule.text), rule.keys, rule.note) for rule in self.sources]
        return Texts(rules, re.compile(self.dropped_remarks))
