"""Phrases: counts, days, hours, groups and money, as visitors read them in Chinese and English.

Knows no sentence: those are made in `passes.terms.wording`. Joining words of two languages is done
here, so that each of them keeps its own grammar.
"""

from collections.abc import Sequence
from datetime import date

from passes.base.text import Text
from passes.terms.holidays import HOLIDAY_NAMES, Holiday
from passes.terms.times import Blackout, Hours, Season, Times
from passes.terms.validity import DateRange

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_WEEKDAYS = (
    Text("周一", "Mondays"),
    Text("周二", "Tuesdays"),
    Text("周三", "Wednesdays"),
    Text("周四", "Thursdays"),
    Text("周五", "Fridays"),
    Text("周六", "Saturdays"),
    Text("周日", "Sundays"),
)
_PROVINCES = {"sichuan": Text("四川", "Sichuan"), "chongqing": Text("重庆", "Chongqing")}
_OFTEN = {1: "once", 2: "twice"}

ANYONE = "anyone"
"""The group to which everybody belongs."""


def listed(parts: Sequence[Text], zh: str = "、", en: str = "and") -> Text:
    """Phrases in a row: 甲、乙 in Chinese; `a, b and c` in English, where `en` is the last link."""
    chinese = zh.join(each.zh for each in parts)
    *before, last = [each.en for each in parts]
    if not before:
        return Text(chinese, last)
    return Text(chinese, f"{', '.join(before)} {en} {last}")


def several(count: int, noun: str) -> str:
    """A number with an English noun: `1 day`, `8 days`."""
    if count == 1:
        return f"{count} {noun}"
    return f"{count} {noun}s"


def often(count: int) -> str:
    """How often, in English: `once`, `twice`, `3 times`."""
    return _OFTEN.get(count, f"{count} times")


def spots(count: int) -> Text:
    """So many spots. Parts of a bigger entry count, so that they are called 景点 as well."""
    return Text(f"{count}个景区（点）", several(count, "spot"))


def yuan(fen: int) -> str:
    """Money without needless digits: `80`, `12.50`."""
    whole, rest = divmod(fen, 100)
    if rest == 0:
        return str(whole)
    return f"{whole}.{rest:02}"


def on_day(day: date) -> Text:
    """One date."""
    return Text(
        f"{day.year}年{day.month}月{day.day}日", f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    )


def on_days(days: DateRange) -> Text:
    """A span of dates, or one."""
    first, last = on_day(days.start), on_day(days.end)
    if days.start == days.end:
        return Text(first.zh, f"on {first.en}")
    return Text(f"{first.zh}至{last.zh}", f"from {first.en} to {last.en}")


def clauses_of(times: Times) -> list[Text]:
    """What times forbid and allow, a clause each: dates, weekdays, holidays, season, hours."""
    clauses = _blackout_clauses(times.blackout)
    if times.season:
        season = listed([_of_every_year(each) for each in times.season])
        clauses.append(Text(f"仅限每年{season.zh}使用", f"it admits only {season.en} of each year"))
    if times.hours:
        hours = listed([_between(each) for each in times.hours])
        clauses.append(Text(f"入园时间为{hours.zh}", f"it admits {hours.en}"))
    return clauses


def _blackout_clauses(blackout: Blackout) -> list[Text]:
    clauses = []
    if blackout.dates:
        dates = listed([on_days(each) for each in blackout.dates])
        clauses.append(Text(f"{dates.zh}不可使用", f"it does not admit {dates.en}"))
    if blackout.weekdays:
        days = listed([_WEEKDAYS[number - 1] for number in sorted(blackout.weekdays)])
        clauses.append(Text(f"每{days.zh}不可使用", f"it does not admit on {days.en}"))
    if blackout.holidays:
        names = listed([HOLIDAY_NAMES[each] for each in Holiday if each in blackout.holidays])
        clauses.append(
            Text(
                f"{names.zh}放假期间不可使用，以国家公布的放假安排为准",
                f"it does not admit on the days off for {names.en}, as the State Council announces"
                " them",
            )
        )
    return clauses


def _of_every_year(season: Season) -> Text:
    first, last = _month_day(season.start), _month_day(season.end)
    if season.start == season.end:
        return Text(first.zh, f"on {first.en}")
    link = "至"
    if season.end < season.start:
        link = "至次年"
    return Text(f"{first.zh}{link}{last.zh}", f"from {first.en} to {last.en}")


def _month_day(written: str) -> Text:
    month, day = map(int, written.split("-"))
    return Text(f"{month}月{day}日", f"{day} {_MONTHS[month - 1]}")


def _between(hours: Hours) -> Text:
    opens, closes = f"{hours.opens:%H:%M}", f"{hours.closes:%H:%M}"
    return Text(f"{opens}至{closes}", f"from {opens} to {closes}")


def group_words(group: str) -> Text:
    """A group of people by its name, such as `resident_of:sichuan` or `union:SLUG`."""
    kind, _, which = group.partition(":")
    if kind == "union":
        return Text(f"指定工会（{which}）会员", f"members of the union {which}")
    if kind == "union_member":
        return Text("工会会员", "members of a union")
    province = _PROVINCES.get(which)
    if kind == "native_of" and province is not None:
        # What counts is where the number was first given, so the rule says so.
        return Text(
            f"{province.zh}籍人士（以身份证号码为准）",
            f"natives of {province.en} by their ID number",
        )
    if kind == "resident_of" and province is not None:
        return Text(f"{province.zh}居民", f"residents of {province.en}")
    return Text(group, group)
