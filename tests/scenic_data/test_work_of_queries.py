"""The work of a query is bounded: counted in steps and in calls, never by a clock.

A query of 35 ms once held up the scans of four gates for 744 ms: everything runs on one event loop.
"""

import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenic_data.checking import load_spots
from scenic_data.finding import Finder, Wanted
from scenic_data.geo import Point
from scenic_data.index import Index
from scenic_data.reference import Reference
from scenic_data.search import MOST_STEPS, Search
from scenic_data.snapshot import Snapshot
from scenic_data.wording import syllables

REFERENCE = Reference.load()
SPOTS = Snapshot(load_spots(), REFERENCE).listed
INDEX = Index(SPOTS, REFERENCE)
FINDER = Finder(SPOTS, REFERENCE)

LARGEST_LOOK_UP = 5_000
"""Steps of a look-up that begins just before the steps are used up."""
MOST_CALLS = 20_000
"""Of functions, built-in ones among them; about two milliseconds."""

WORST = [  # what `python -m scripts.bench_search` found, and what people thought of
    "sh庆奉节里旅游景区场 longic大木花谷林hu园 lva森林公园an资阳lv𠀀"
    "sichuan guzhenzctc古镇an博物馆gsha5 ccwn金川in",
    "sé风景区大安区squ lq旌蜀南花海n生态乐园ch㍿otianj樂an艺村景区 "
    "sichuagsgu森powkhu酒小镇an l毕兹卡乐园区",
    "稻城山太子y z樂深g景区话森a尼ccon井研县sichuan 卓克基江津区馆风"
    "nachuanshi 旅游景区 yo风景区ﷺ坪落人",
    "庙汉桓侯祠 gu谷 sit苗寨qw h柠檬旅游区森沽樂眉山km家寨哈s㍿an "
    "古镇 半jt森林公园居陈列馆x遗㍿度足石刻",
    "四川省成都市青羊区四川博物错",
    "sh zh xi ji li hu gu da ch ya",
    "a b c d e f g h i j k l m n o p q r s t u v w x y z",
    "s" * 80,
    "山" * 80,
    "山 " * 40,
    "古镇" * 40,
    "旅游景区" * 20,
    "四川" * 40,
    "sichuan" * 11,
    "四川成都" * 20,
    "emeisahn" * 10,
    "zh" * 40,
    "\ufdfa" * 80,
    "㍿" * 80,
    "e\u0301\u0323" * 26,
    "".join(chr(0x20000 + 97 * n) for n in range(80)),
    "".join(chr(0x4E00 + 97 * n) for n in range(80)),
    "在" * 80,
    " ".join("的是了不我他们这" * 5),
]


def calls_of(query: str) -> int:
    """How many functions are called to answer a query that was never asked."""
    count = 0

    def count_calls(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    syllables.cache_clear()
    before = sys.getprofile()
    sys.setprofile(count_calls)
    try:
        FINDER.find(Wanted(q=query, near=Point(103.7, 29.5), top=20))
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("query", WORST, ids=range(len(WORST)))
def test_the_worst_queries_take_a_bounded_number_of_steps_and_calls(query: str) -> None:
    search = Search(INDEX, query)
    search.ranks()
    assert search.steps <= MOST_STEPS + LARGEST_LOOK_UP
    assert calls_of(query) <= MOST_CALLS


PIECES = st.sampled_from(
    [
        *"abcdefghijklmnopqrstuvwxyz山水古镇寺湖樂\ufdfa ",
        *("zh", "sh", "shan", "sichuan", "chengdu", "四川", "成都市", "旅游景区", "博物馆"),
        *sorted(INDEX.owners)[:200],
    ]
)


@given(st.lists(PIECES, max_size=80).map("".join) | st.text(max_size=80))
def test_no_query_takes_more_steps_than_there_are(query: str) -> None:
    search = Search(INDEX, query[:80])
    search.ranks()
    assert search.steps <= MOST_STEPS + LARGEST_LOOK_UP


def test_the_largest_look_up_is_as_large_as_the_bound_says() -> None:
    for letter in "abcdefghijklmnopqrstuvwxyz山四川5":
        search = Search(INDEX, letter)
        search.ranks()
        assert search.steps <= LARGEST_LOOK_UP, letter


def test_when_the_steps_are_used_up_nothing_more_is_found() -> None:
    search = Search(INDEX, "没有这样的地方")
    search.steps = MOST_STEPS
    assert search.ranks() == {}


@pytest.mark.parametrize(
    "query", ["峨眉山", "emei", "四川雅安碧峰峡", "Mount Emei", "峨嵋山", "emeisahn", "成都温泉"]
)
def test_a_usual_query_takes_a_twentieth_of_the_steps(query: str) -> None:
    search = Search(INDEX, query)
    search.ranks()
    assert search.steps <= MOST_STEPS / 20
