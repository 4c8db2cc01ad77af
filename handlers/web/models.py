"""Models: what all bodies and replies have in common."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from passes.base.text import Text


class In(BaseModel):
    """A body. A field that is not known is an error, and so is a value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)


class Out(BaseModel):
    """A reply. Later versions may add fields, so a reader ignores those that it does not know."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class TextOut(Out):
    """The same words in Chinese and English."""

    zh: str = Field(examples=["年票"])
    en: str = Field(examples=["annual pass"])

    @classmethod
    def of(cls, text: Text) -> Self:
        """The view of a text."""
        return cls(zh=text.zh, en=text.en)
