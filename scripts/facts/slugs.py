"""Slugs: ids made of Chinese names, as short as people say them, made once and kept for ever."""

import re
from collections.abc import Container, Iterable

from scenic_data.wording import syllables

_LONGEST = 40
_BRACKETS = re.compile(r"[（(].*?[）)]")
_ENDING = re.compile(
    r"(国家级?|省级|风景名胜区|旅游度假区|旅游景区|生态旅游区|文化旅游区|风景旅游区|风景区|旅游区|特色街区|景区|旅游)+$"
)
_PROVINCE = re.compile(r"^(四川|重庆)(省|市)?(?=.{2})")
_TAILS = re.compile(
    r"(博物馆聚落|博物馆|博物院|博览园|纪念馆|陈列馆|科技馆|美术馆|烈士墓|将军墓|森林公园|石刻公园|地震遗址|遗址公园|遗址|"
    r"故居|旧居|古镇|古城|古寨|草原|大草原|藏寨|羌寨|石刻|崖墓|瀑布|竹海|花海|庄园|老街|公园|大熊猫基地|野生动物园)$"
)
_READINGS = {"佛": "fo", "曾": "zeng", "都江堰": "dujiangyan", "长坪": "changping"}


def without_brackets(name: str) -> str:
    """A name without what stands in brackets."""
    return _BRACKETS.sub("", name)


def short(name: str) -> str:
    """A name without what stands in brackets and without the kinds of areas at its end."""
    bare = without_brackets(name)
    return _ENDING.sub("", bare) or bare


def core(name: str) -> str:
    """What two ways to write the name of one place have in common."""
    bare = _PROVINCE.sub("", short(name))
    return re.sub(r"[\s·・—\-－]", "", bare)


def slug(name: str, places: Iterable[str], taken: Container[str]) -> str:
    """An id that is not `taken`.

    `places` are short names of where the spot is, the largest first: they become words of the id.
    """
    areas = [place for place in places if len(place) > 1]
    words = _words(short(name), areas)
    made = _joined(words)
    for area in reversed(areas):
        if made not in taken:
            return made
        made = _joined([area, *words])
    number = 2
    while made in taken:
        made = f"{_joined(words)}-{number}"
        number += 1
    return made


def _words(name: str, areas: Iterable[str]) -> list[str]:
    """The name cut as readers would: behind the place it begins with, and before the kind of
    thing."""
    words = []
    for area in areas:
        if name.startswith(area) and len(name) > len(area) + 1:
            words.append(area)
            name = name.removeprefix(area)
            break
    tail = _TAILS.search(name)
    parts = [name[: tail.start()], tail.group()] if tail and tail.start() else [name]
    return words + [word for part in parts for word in re.split(r"[^\w]+", part) if word]


def _joined(words: Iterable[str]) -> str:
    read = [_read(word) for word in words]
    while len("-".join(read)) > _LONGEST and len(read) > 1:
        read.pop()
    made = "-".join(read)[:_LONGEST].strip("-")
    return made if made[:1].isalpha() else f"spot-{made}".strip("-")


def _read(word: str) -> str:
    for written, reading in _READINGS.items():
        word = word.replace(written, reading)
    return "".join(re.findall(r"[a-z0-9]+", "".join(syllables(word)).lower()))
