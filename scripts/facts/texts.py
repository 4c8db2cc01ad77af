"""Texts: what a row says of its sources, and how far each group of its fields can be trusted.

A row writes `level: TEXT; coords: TEXT [a remark]; …` under `source`, and `level=high; coords=low;
…` under `confidence`. A text becomes keys of `sources.yaml` and a note. Texts that come back in
every release have rules in `decisions.yaml`; a text without one gets a key of its own, so that no
source is ever lost.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

GROUPS = {
    "level": "level",
    "kind": "kind",
    "district": "district",
    "category": "category",
    "coords": "position",
    "price": "price",
    "hours": "hours",
    "heritage": "heritage",
    "name_en": "name",
    "address": "address",
    "phone": "phone",
    "part": "part",
    "ticket": "ticket",
}
"""What the facts call a group of fields, and what a record calls it."""

TRUST = frozenset({"high", "medium", "low", "none"})

_GROUP = re.compile(rf"(?:^|; )({'|'.join(GROUPS)}): ")
_REMARK = re.compile(r"\s*\[([^\]]*)\]")
_DOMAIN = re.compile(
    r"\b((?:[a-z0-9-]+\.)+(?:com|cn|net|org|wang|online)(?:\.[a-z]{2})?)(?:/[\w./-]*)?"
)
_NEXT_PAGE = re.compile(r"[a-z0-9-]+\.[a-z]|, [a-z]")
_DATE = re.compile(r"\b(20[0-9]{2}(?:-[0-9]{2}(?:-[0-9]{2})?)?)\b")
_AGREES = re.compile(r"(Qunar|trave_afar) (?:agrees within|lies) [0-9.]+ km(?: off)?")
_SAYS_LITTLE = re.compile(
    r"\b(page|pages|guide|county|list|ticket|encyclopedia|article|copy|undated|about|and|old|traveller|report)\b"
)
_OF_WHOLE = re.compile(r"the point of the row.*|the row(?: [^\s;(]+)?(?: \([^)]*\))?(?:; )?")


@dataclass(frozen=True, slots=True)
class Rule:
    """A text that begins like `text`, a regular expression, comes from `keys`.

    `note` replaces the note, `\\1` standing for the first group.
    """

    text: re.Pattern[str]
    keys: tuple[str, ...]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a text tells: keys of `sources.yaml`, and a note or nothing."""

    keys: tuple[str, ...]
    note: str = ""


@dataclass(slots=True)
class Texts:
    """Turns texts into keys; `made` are the sources for which it had to make a key, by that key."""

    rules: Sequence[Rule]
    dropped_remarks: re.Pattern[str]
    made: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def may_mean(self) -> set[str]:
        """The keys for which there are rules."""
        return {key for rule in self.rules for key in rule.keys}

    def told(self, text: str, of_whole: tuple[str, ...] = ()) -> Told:
        """The keys and the note of a text; what a part has of its whole comes from `of_whole`."""
        remarks = [
            remark for remark in _REMARK.findall(text) if not self.dropped_remarks.search(remark)
        ]
        bare = _REMARK.sub("", text)
        keys: list[str] = []
        if not self._rule(bare) and (found := _OF_WHOLE.match(bare)):
            keys += of_whole
            bare = bare[found.end() :]
        else:
            remarks += [agrees.group() for agrees in _AGREES.finditer(bare)]
        for piece in self._pieces(bare):
            told = self._piece(piece, alone=not keys)
            keys += told.keys
            remarks += [told.note] if told.note else []
        return Told(tuple(dict.fromkeys(keys)), "; ".join(dict.fromkeys(remarks)))

    def _pieces(self, text: str) -> Iterable[str]:
        """The sources that a text puts together; one for which there is a rule is one."""
        pieces = [text] if self._rule(text) else re.split(r" \+ |; ", text)
        return filter(None, pieces)

    def _rule(self, text: str) -> Told | None:
        """What the first rule that fits says of a text."""
        for rule in self.rules:
            if found := rule.text.match(text):
                return Told(rule.keys, found.expand(rule.note) if rule.note else "")
        return None

    def _piece(self, text: str, *, alone: bool) -> Told:
        if (told := self._rule(text)) is not None:
            return told
        domains = _DOMAIN.findall(text)
        if domains:
            return Told(
                tuple(self._page(domain, text) for domain in domains), _more_than_a_page(text)
            )
        return Told((self._make(_slug(text), text, ""),)) if alone else Told((), text)

    def _page(self, domain: str, text: str) -> str:
        """The key of a page: its domain, and the year where the text gives one behind it."""
        behind = _NEXT_PAGE.split(text.split(domain, 1)[1])[0]
        date = _DATE.search(behind)
        key = "-".join([_slug(domain), *([date.group(1)[:4]] if date else [])])
        return self._make(key, f"Page on {domain}", date.group(1) if date else "")

    def _make(self, key: str, title: str, date: str) -> str:
        source = {"title": title, "licence": "none stated"} | ({"date": date} if date else {})
        known = self.made.setdefault(key, source)
        if date > known.get("date", ""):
            known["date"] = date
        return key


def groups_of(source: str) -> Mapping[str, str]:
    """The text of each group of a `source` cell, by the name that a record gives the group."""
    cut = _GROUP.split(source)
    return {GROUPS[group]: text.strip() for group, text in zip(cut[1::2], cut[2::2], strict=True)}


def trust_of(confidence: str) -> Mapping[str, str]:
    """How far each group can be trusted. Raises `ValueError` for what is no such list."""
    trust = {}
    for written in confidence.split("; "):
        group, _, word = written.partition("=")
        if group not in GROUPS or word not in TRUST:
            raise ValueError(
                f"{written!r} is no group with high, medium, low or none, such as price=low"
            )
        trust[GROUPS[group]] = word
    return trust


def _more_than_a_page(text: str) -> str:
    """A text that says more than which page it is, else nothing."""
    rest = _SAYS_LITTLE.sub("", _DATE.sub("", _DOMAIN.sub("", text)))
    return text if re.search(r"\w{3}|[\u4e00-\u9fff]", rest) else ""


def _slug(text: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", text.lower()))[:60].strip("-") or "source"
