"""Headings: what the columns of tables may be called, in Chinese and English.

The first Chinese name of a field is the one that exports write. Case, width, blanks, `_` and `-`
make no difference.
"""

from collections.abc import Mapping, Sequence

from scenic_data.model import GROUPS

ROSTER: Mapping[str, Sequence[str]] = {
    "name": ("姓名", "名字", "真实姓名", "职工姓名", "会员姓名", "real name"),
    "id_number": (
        "身份证号",
        "身份证号码",
        "身份证",
        "居民身份证号",
        "居民身份证号码",
        "公民身份号码",
        "证件号",
        "证件号码",
        "ID card number",
    ),
}
"""Of a roster of people."""

PAPER: Mapping[str, Sequence[str]] = {
    "time": ("时间", "入园时间"),
    "gate": ("闸机", "入口"),
    "spot": ("景区", "景点"),
    "people": ("人数", "入园人数"),
    "pass": ("票号", "编号", "证件号", "身份证号", "ID number"),
    "staff": ("工作人员", "登记人"),
    "note": ("备注", "说明"),
}
"""Of a list that was written on paper when nothing else worked."""

_GROUPS_ZH = {
    "name": "名称",
    "kind": "类型",
    "level": "等级",
    "category": "类别",
    "district": "区划",
    "position": "位置",
    "address": "地址",
    "phone": "电话",
    "price": "票价",
    "ticket": "门票",
    "hours": "开放时间",
    "season": "开放季节",
    "reservation": "预约",
    "heritage": "世界遗产",
    "site": "网站",
    "part": "所属",
    "free_entry": "依法免票",
}
_TOLD_ZH = {"sources": "来源", "notes": "备注", "confidence": "可信度"}

SPOTS: Mapping[str, Sequence[str]] = {
    "id": ("编号", "景区编号"),
    "name.zh": ("名称", "景区名称", "景点名称", "中文名称"),
    "name.en": ("英文名称", "英文名"),
    "aliases": ("别名",),
    "part_of": ("所属景区",),
    "kind": ("类型",),
    "level": ("等级", "A级", "景区等级"),
    "category": ("类别",),
    "adcode": ("区划代码", "行政区划代码"),
    "position.lng": ("经度", "lng", "longitude"),
    "position.lat": ("纬度", "lat", "latitude"),
    "position.precision": ("位置精度",),
    "address": ("地址", "详细地址"),
    "phones": ("电话", "联系电话"),
    "price.peak_fen": ("旺季票价（分）",),
    "price.off_peak_fen": ("淡季票价（分）",),
    "ticket": ("门票",),
    "free_entry": ("依法免票",),
    "open_hours": ("开放时间", "营业时间"),
    "season": ("开放季节",),
    "closed_weekdays": ("每周闭馆日",),
    "reservation": ("需预约",),
    "notices": ("公告",),
    "images": ("图片",),
    "world_heritage": ("世界遗产",),
    "status": ("状态",),
    "as_of": ("资料日期",),
} | {
    f"{told}.{group}": (f"{told_zh}：{_GROUPS_ZH[group]}",)
    for told, told_zh in _TOLD_ZH.items()
    for group in sorted(GROUPS)
}
"""Of a table of spots. Prices are in fen: no name of theirs speaks of yuan."""
