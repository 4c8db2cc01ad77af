"""The fields that product and offer files share, and how such files are read: wholly, before anything is published."""

import re
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from passes.base.errors import Fault, Invalid
from passes.base.faults import faults_of
from passes.base.text import Text
from passes.codes.format import FIRST_DAY, LAST_DAY
from passes.terms.terms import DateRange
from scenic_data.files import DataError, load_yaml
from scenic_data.model import Name

T = TypeVar("T")

Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]
Count = Annotated[int, Field(strict=True, ge=1, le=100_000)]
IsoWeekday = Annotated[int, Field(strict=True, ge=1, le=7)]


class FileModel(BaseModel):
    """What is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class TitleIn(FileModel):
    """The same words in Chinese and English."""

    zh: Name
    en: Name

    def to_text(self) -> Text:
        """As the domain has it."""
        return Text(self.zh, self.en)


class DaysIn(FileModel):
    """A span of business days, written `2026-10-01/2026-10-07`, or one day."""

    start: Day
    end: Day

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end < self.start:
            raise ValueError("it ends before it begins")
        return self

    def to_range(self) -> DateRange:
        """As the domain has it."""
        return DateRange(self.start, self.end)


def _split_days(written: object) -> object:
    if not isinstance(written, str) or not re.fullmatch(_DAYS_PATTERN, written):
        raise ValueError("write days as 2026-10-01/2026-10-07, or one as 2026-10-01")
    start, _, end = written.partition("/")
    return {"start": start, "end": end or start}


_DAYS_PATTERN = r"^\d{4}-\d{2}-\d{2}(/\d{4}-\d{2}-\d{2})?$"
Days = Annotated[
    DaysIn,
    BeforeValidator(_split_days),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": _DAYS_PATTERN,
            "description": "First and last day, or one day.",
        }
    ),
]


def read_drafts(files: Iterable[Path], read: Callable[[Any], T], noun: str) -> list[T]:
    """What `read` makes of the records of YAML files, each one or a list. Raises `Invalid` naming file and field."""
    drafts: list[T] = []
    faults: list[Fault] = []
    for file in files:
        try:
            found = load_yaml(file)
        except DataError as error:
            faults += [Fault(file.name, told.partition(": ")[2]) for told in error.faults]
            continue
        if found == []:
            faults.append(Fault(file.name, "there is no record"))
        for number, record in enumerate(found if isinstance(found, list) else [found], start=1):
            where = f"{file.name}: record {number}" if isinstance(found, list) else file.name
            try:
                drafts.append(read(record))
            except ValidationError as error:
                faults += [
                    Fault(f"{where}: {path or 'record'}", what) for path, what in faults_of(error)
                ]
    if faults:
        raise Invalid(
            f"{noun}_invalid", Text("文件有误", f"this {noun} file cannot be used"), faults
        )
    return drafts
