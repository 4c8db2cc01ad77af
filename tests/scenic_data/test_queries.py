"""Queries: what visitors type finds what they mean, line by line of `queries.yaml`."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from scenic_data.checking import load_spots
from scenic_data.finding import Wanted
from scenic_data.model import Spot
from scenic_data.reference import Reference
from scenic_data.snapshot import Snapshot

REFERENCE = Reference.load()
ALL = Snapshot(load_spots(), REFERENCE)
TABLE = yaml.safe_load(Path(__file__).with_name("queries.yaml").read_text(encoding="utf-8"))


def found(q: str, snapshot: Snapshot = ALL) -> list[Spot]:
    return [snapshot.listed[place] for place in snapshot.find(Wanted(q=q)).places]


@pytest.mark.parametrize("line", TABLE, ids=lambda line: line["q"])
def test_what_visitors_type_finds_first_what_they_mean(line: dict[str, Any]) -> None:
    assert [spot.id for spot in found(line["q"])][:1] == [line["first"]]


@pytest.mark.parametrize(
    ("q", "adcode"),
    [
        ("重慶", "50"),
        ("zhongqing", "50"),
        ("犍為", "511123"),
        ("jianwei", "511123"),
        ("pidu", "510117"),
        ("pidouqu", "510117"),
        ("changning", "511524"),
        ("zhangning", "511524"),
        ("四川乐山", "5111"),
        ("四川省乐山市", "5111"),
        ("四川阿坝州", "5132"),
        ("sichuan leshan", "5111"),
        ("雅安没有的地方", "5118"),  # the place is all that is known, not the whole province
    ],
)
def test_a_place_finds_what_lies_there(q: str, adcode: str) -> None:
    assert {spot.adcode[: len(adcode)] for spot in found(q)} == {adcode}


@pytest.mark.parametrize("q", ["成都温泉", "四川省成都市温泉", "成都 温泉", "chengdu hot springs"])
def test_a_kind_in_a_place_finds_that_kind_there_alone(q: str) -> None:
    spots = found(q)
    assert {spot.adcode[:4] for spot in spots} == {"5101"}
    assert {spot.category for spot in spots} == {"hot_spring"}


def test_a_place_that_is_called_as_another_is_the_one_of_its_city() -> None:
    assert {spot.adcode for spot in found("乐山市中区")} == {"511102"}
    assert {spot.adcode for spot in found("内江市市中区")} == {"511002"}


def renamed(spot_id: str, like: str, zh: str, *aliases: str, **more: Any) -> Spot:
    """A spot with another name, at the place of one that is known."""
    spot = next(spot for spot in ALL.listed if spot.id == like)
    changes = {"id": spot_id, "name": {"zh": zh}, "aliases": aliases, **more}
    return Spot.model_validate(spot.model_dump() | changes)


GROWN = Snapshot(
    [
        *ALL.listed,
        renamed("duj", "qingchengshan-dujiangyan", "都江堰"),
        renamed("qian", "qingchengshan-dujiangyan", "青城山前山", "青城前山"),
        renamed("hou", "qingchengshan-dujiangyan", "青城后山"),
        renamed("qiao", "wulong-xiannvshan", "武隆天生三桥"),
        renamed("dong", "wulong-xiannvshan", "芙蓉洞", "武隆芙蓉洞"),
        renamed("fengjing", "bifengxia", "碧峰峡风景区"),
        renamed("dongwu", "bifengxia", "碧峰峡野生动物园"),
        renamed("tiantai-qionglai", "hongyadong", "天台寺景区", adcode="510183"),
        renamed("tiantai-pingwu", "hongyadong", "天台寺景区", adcode="510727", level="5A"),
    ],
    REFERENCE,
)


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("都江堰", "duj"),
        ("四川省成都市都江堰", "duj"),
        ("都江堰市都江堰景区", "duj"),
        ("青城山—都江堰旅游景区", "qingchengshan-dujiangyan"),
        ("四川成都青城前山", "qian"),
        ("青城后山", "hou"),
        ("重庆市武隆天生三桥", "qiao"),
        ("重庆武隆芙蓉洞", "dong"),
        ("碧峰峡风景区", "fengjing"),
        ("碧峰峡旅游景区", "bifengxia"),
        ("四川雅安碧峰峡野生动物园", "dongwu"),
    ],
)
def test_a_whole_and_its_parts_are_told_apart(q: str, first: str) -> None:
    assert found(q, GROWN)[0].id == first


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("邛崃天台寺", "tiantai-qionglai"),
        ("四川省成都市邛崃市天台寺旅游景区", "tiantai-qionglai"),
        ("绵阳天台寺", "tiantai-pingwu"),
        ("pingwu tiantaisi", "tiantai-pingwu"),
        ("天台寺", "tiantai-pingwu"),  # the better known
    ],
)
def test_of_two_spots_with_one_name_the_one_in_the_place_named_is_first(q: str, first: str) -> None:
    assert found(q, GROWN)[0].id == first
