"""Words: what people read of a spot beside names: its kind, who enters free, what needs care."""

from scenic_data.doubts import Doubt
from scenic_data.kinds import FreeEntry, FreeFor, Kind
from scenic_data.model import Names, Precision

KINDS = {
    Kind.SCENIC_AREA: Names(zh="景区", en="Scenic area"),
    Kind.MUSEUM: Names(zh="博物馆", en="Museum"),
    Kind.MEMORIAL: Names(zh="纪念馆、故居", en="Memorial"),
    Kind.TEMPLE: Names(zh="寺庙", en="Temple"),
    Kind.TOWN: Names(zh="古镇", en="Old town"),
    Kind.STREET: Names(zh="街区", en="Street"),
    Kind.THEME_PARK: Names(zh="主题公园", en="Theme park"),
    Kind.LAKE: Names(zh="湖泊", en="Lake"),
    Kind.RESORT: Names(zh="度假区", en="Resort"),
    Kind.LANDMARK: Names(zh="地标", en="Landmark"),
    Kind.SHOW: Names(zh="演出", en="Show"),
}

POSITION_NOTES = {
    Precision.WHOLE: Names(
        zh="位置为所属景区，仅供参考", en="position is that of the whole it is a part of"
    ),
    Precision.DISTRICT: Names(zh="位置仅供参考", en="position is approximate"),
    Precision.CITY: Names(zh="位置仅供参考", en="position is approximate"),
}


DOUBTS = {
    Doubt.COARSE: Names(zh="位置仅供参考", en="the position is approximate"),
    Doubt.OLD: Names(
        zh="资料较旧，请以现场公布为准", en="this is some years old and may have changed"
    ),
    Doubt.UNSURE: Names(zh="未经核实，请以现场公布为准", en="this is not confirmed"),
}


def free_entry(rule: FreeEntry) -> Names:
    """A rule of free entry in words."""
    who_zh, who_en = _FREE_FOR[rule.who]
    years_zh, years_en = _years(rule)
    bounds_zh = [years_zh] if years_zh else []
    bounds_en = [years_en] if years_en else []
    if rule.to_cm is not None:
        bounds_zh.append(f"身高{rule.to_cm / 100:.1f}米（含）以下")
        bounds_en.append(f"up to {rule.to_cm} cm tall")
    zh = f"{'或'.join(bounds_zh)}{who_zh}免费"
    en = " ".join([f"{who_en} enter free", *([" or ".join(bounds_en)] if bounds_en else [])])
    if rule.not_on_holidays:
        return Names(zh=f"{zh}（法定节假日除外）", en=f"{en}, not on statutory holidays")
    return Names(zh=zh, en=en)


_FREE_FOR = {
    FreeFor.CHILDREN: ("儿童", "children"),
    FreeFor.SENIORS: ("老年人", "seniors"),
    FreeFor.SOLDIERS: ("现役军人", "soldiers on active duty"),
    FreeFor.DISABLED_SOLDIERS: ("残疾军人", "disabled soldiers"),
    FreeFor.DISABLED: ("残疾人", "people with disabilities"),
    FreeFor.POLICE: ("人民警察", "police officers"),
    FreeFor.FIREFIGHTERS: ("消防救援人员", "firefighters"),
}


def _years(rule: FreeEntry) -> tuple[str, str]:
    if rule.from_age is not None and rule.to_age is not None:
        return f"{rule.from_age}至{rule.to_age}周岁", f"aged {rule.from_age} to {rule.to_age}"
    if rule.from_age is not None:
        return f"{rule.from_age}周岁（含）以上", f"aged {rule.from_age} and over"
    if rule.to_age is not None:
        return f"{rule.to_age}周岁（含）以下", f"up to {rule.to_age} years old"
    return "", ""
