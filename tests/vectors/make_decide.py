"""Makes `decide.json`: `python -m tests.vectors.make_decide`.

Cases for makers of gates that decide alone: terms, visits so far, a scan, and what must be
answered. What is expected is worked out here from the words of the operator guide and the gate
protocol, sharing no code with `passes`, and as one plain list of questions; what is promised is
the first of all moments at which anything can change, tried one by one. Cases are added, never
changed; the few that had to change stand under `superseded`.
"""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

ZONE = timezone(timedelta(hours=8))
TODAY = date(2026, 7, 1)  # a Wednesday
NOON = datetime(2026, 7, 1, 12, tzinfo=ZONE)
SPOT = {"id": "emeishan", "tags": ["sichuan", "5A", "world_heritage"], "closed": False}
OTHER = "jiuzhaigou"
LIFELESS = {
    "reserved": "not_activated",
    "issued": "not_activated",
    "frozen": "frozen",
    "revoked": "revoked",
    "refunded": "refunded",
    "expired": "expired",
}

Json = dict[str, Any]


SUPERSEDED = {
    "days_1_same_spot_again": (
        "tomorrow no day is left either, so nothing is promised",
        "days_1_same_spot_again_promises_nothing",
        {"reason": "already_today", "admitted_from": "2026-07-01T16:00:00Z"},
    ),
    **{
        f"{came}_of_4_are_in_then_{asked}": (
            "some of them could go in: they are too many, and are told so",
            f"{came}_of_4_are_in_then_{asked}_are_too_many",
            {"reason": "already_today", "admitted_from": "2026-07-01T16:00:00Z"},
        )
        for came, asked in ((1, 4), (2, 4), (3, 2), (3, 4))
    },
}
"""What had to change since version 2: why, the name of the case now, and what was answered."""

NEVER_LIFTED = {
    "gate_disabled",
    "emergency",
    "code_static",
    "code_spent",
    "pay_at_window",
    "spot_not_covered",
    "spot_withdrawn",
    "expired",
    *LIFELESS.values(),
    "frozen_by_staff",
}
"""Refusals that waiting alone does not end."""


def day_of(at: str) -> date:
    return datetime.fromisoformat(at).astimezone(ZONE).date()


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZONE)


def months_later(first: date, months: int) -> date:
    """The corresponding day; where the month has none, the first day of the next month."""
    year, month = first.year, first.month
    for _ in range(months):
        month += 1
        if month > 12:
            year, month = year + 1, 1
    day, days_of_month = first.day, 31
    while days_of_month > 28:
        try:
            date(year, month, days_of_month)
            break
        except ValueError:
            days_of_month -= 1
    if day <= days_of_month:
        return date(year, month, day)
    return date(year, month, days_of_month) + timedelta(days=1)


def last_day_of(term: Json, first: date) -> date:
    months = 12 * term.get("years", 0) + term.get("months", 0)
    return months_later(first, months) + timedelta(days=term.get("days", 0) - 1)


def spots_of(named: Json, spot: Json) -> set[str]:
    """Which spots a coverage names, as far as a case says: by id, and its own by tag."""
    found = set(named.get("spots", []))
    if set(spot["tags"]) & set(named.get("tags", [])):
        found.add(spot["id"])
    return found - set(named.get("excluded", []))


def times_of(case: Json) -> list[Json]:
    """The times of the product, and those that hold at this spot beside them."""
    terms, spot = case["terms"], case["spot"]
    special = [each for each in terms.get("at", []) if spot["id"] in spots_of(each, spot)]
    return [terms, *special]


def holidays_on(day: date, calendar: Json) -> set[str]:
    names = set()
    for year in calendar.values():
        for name, spans in year.items():
            for span in spans:
                start, _, end = span.partition("/")
                if start <= day.isoformat() <= (end or start):
                    names.add(name)
    return names


def usable(times: Json, day: date, calendar: Json) -> bool:
    """No blackout, and in season."""
    blackout = times.get("blackout", {})
    if day.isoweekday() in blackout.get("weekdays", []):
        return False
    for span in blackout.get("dates", []):
        start, _, end = span.partition("/")
        if start <= day.isoformat() <= (end or start):
            return False
    if set(blackout.get("holidays", [])) & holidays_on(day, calendar):
        return False
    month_day, seasons = day.isoformat()[5:], [span.split("/") for span in times.get("season", [])]
    return not seasons or any(
        start <= month_day <= end if start <= end else month_day >= start or month_day <= end
        for start, end in seasons
    )


def known(case: Json, day: date) -> bool:
    """Whether the holidays of a day are published; New Year may begin in the week before."""
    if not any(times.get("blackout", {}).get("holidays") for times in times_of(case)):
        return True
    years = {str(day.year), str((day + timedelta(days=7)).year)}
    return years <= set(case.get("holidays", {}))


def within_hours(times: Json, at: datetime) -> bool:
    clock = at.astimezone(ZONE).strftime("%H:%M")
    hours = [span.split("-") for span in times.get("hours", [])]
    return not hours or any(opens <= clock < closes for opens, closes in hours)


class Ledger:
    """What the visits of a case come to, counted party by party."""

    def __init__(self, case: Json) -> None:
        terms = case["terms"]
        party = {"admits": 1, "pays": 1, **terms.get("party", {})}
        self.room = party["admits"]
        self.payers = party["pays"] if terms.get("payment") == "at_window" else 0
        self.parties: list[Json] = []
        self.paid: dict[tuple[str, date], int] = {}
        for event in case["visits"]:
            key = event["spot"], day_of(event["at"])
            people = event.get("people", self.room)
            what = event.get("event", "admitted")
            if what == "admitted":
                self.let_in(key, people, event["at"])
                paid = event.get("paid", max(0, self.due(key) - self.paid.get(key, 0)))
                self.paid[key] = self.paid.get(key, 0) + paid
            elif what == "paid":
                self.paid[key] = self.paid.get(key, 0) + people
            elif what == "left" and terms.get("re_entry"):
                party_here = self.newest(key)
                if party_here:
                    inside = party_here["came"] - party_here["away"]
                    party_here["away"] += min(people, inside)

    def newest(self, key: tuple[str, date]) -> Json | None:
        here = [party for party in self.parties if party["key"] == key]
        return here[-1] if here else None

    def may_follow(self, key: tuple[str, date]) -> int:
        party = self.newest(key)
        return self.room - party["came"] + party["away"] if party else 0

    def let_in(self, key: tuple[str, date], people: int, at: str) -> None:
        party = self.newest(key)
        if party is None or people > self.may_follow(key):
            self.parties.append({"key": key, "at": at, "came": people, "away": 0})
            return
        back = min(party["away"], people)
        party["away"] -= back
        party["came"] += people - back

    def due(self, key: tuple[str, date]) -> int:
        """How many people have to have paid, of all parties that came there on that day."""
        here = [party for party in self.parties if party["key"] == key]
        return sum(min(self.payers, party["came"]) for party in here)

    def owed_with(self, key: tuple[str, date], people: int) -> int:
        before = [dict(party) for party in self.parties]
        self.let_in(key, people, "")
        due = self.due(key)
        self.parties = before
        return max(0, due - self.paid.get(key, 0))


def validity(case: Json, ledger: Ledger) -> tuple[date | None, date, date]:
    """The first day that counts, if there is one yet; and the first and last day of use."""
    term, held = case["terms"]["term"], case["pass"]
    if not held.get("issued_on"):
        first = date.fromisoformat(held["valid_from"])
        return first, first, date.fromisoformat(held["valid_until"])
    first = date.fromisoformat(held["issued_on"])
    if term.get("starts") == "next_day":
        first += timedelta(days=1)
    if term.get("starts") == "first_visit":
        if not ledger.parties:
            return None, first, first + timedelta(days=term["start_within"])
        first = min(day_of(party["at"]) for party in ledger.parties)
    return first, first, last_day_of(term, first)


def objection(case: Json, at: datetime, opened: str | None) -> str | None:  # noqa: C901, PLR0911, PLR0912 - a list of questions
    """Why it is refused at that moment, by the words of the guides."""
    terms, held, spot, gate = case["terms"], case["pass"], case["spot"], case["gate"]
    today = at.astimezone(ZONE).date()
    ledger = Ledger(case)
    free = free_as(case, today) is not None
    if gate["disabled"]:
        return "gate_disabled"
    stop = case.get("stop", {})
    stopped = bool(stop) and at < datetime.fromisoformat(stop["until"])
    if stopped and stop.get("emergency"):
        return "emergency"
    if not case["code"]["rotating"] and gate["kind"] == "turnstile":
        return "code_static"
    state = held["state"]
    if (
        state == "issued"
        and held.get("activate_by")
        and today > date.fromisoformat(held["activate_by"])
    ):
        state = "active" if terms["term"].get("unactivated", "starts") == "starts" else "expired"
    if state == "frozen" and held.get("frozen_by") == "staff":
        return "frozen_by_staff"
    if state in LIFELESS:
        return LIFELESS[state]
    first_day, valid_from, valid_until = validity(case, ledger)
    if today < valid_from:
        return "not_yet_valid"
    if today > valid_until:
        return "expired"
    coverage = terms["coverage"]
    named = spot["id"] in coverage.get("spots", []) or set(spot["tags"]) & set(
        coverage.get("tags", [])
    )
    if not named or spot["id"] in coverage.get("excluded", []):
        return "spot_not_covered"
    left = held.get("spot_withdrawn")
    if left and left["policy"] == "end" and today >= date.fromisoformat(left["from"]):
        return "spot_withdrawn"
    if spot["closed"]:
        return "spot_closed"
    if stopped:
        return "entry_stopped"
    calendar = case.get("holidays", {})
    if not all(usable(times, today, calendar) for times in times_of(case)):
        return "blackout"
    if not all(within_hours(times, at) for times in times_of(case)):
        return "outside_hours"

    if free:
        if case.get("came_free_on") == today.isoformat() and gate["kind"] == "turnstile":
            return "already_today"
        if opened and case.get("purpose") != "pay":
            return "code_spent"
        return "check_identity" if card_is_due(case) and gate["kind"] == "turnstile" else None

    limits = limits_of(case)
    key = spot["id"], today
    may_follow = ledger.may_follow(key)
    wanted = case["party"] or may_follow or ledger.room
    follows = wanted <= may_follow
    if not follows:
        reason = used_up(case, ledger, today, first_day or today)
        if reason and may_follow:
            return "party_too_large"
        if reason:
            return reason
    if not follows and limits.get("minutes_between") is not None and ledger.parties:
        last = datetime.fromisoformat(ledger.parties[-1]["at"])
        if at < last + timedelta(minutes=limits["minutes_between"]):
            return "too_soon"
    if wanted > ledger.room:
        return "party_too_large"
    paying = case.get("purpose") == "pay"
    if opened and not paying and not (follows and opened == spot["id"]):
        return "code_spent"
    if ledger.owed_with(key, wanted) and gate["kind"] != "window":
        return "pay_at_window"
    if card_is_due(case) and gate["kind"] == "turnstile":
        return "check_identity"
    return None


def free_as(case: Json, day: date) -> str | None:
    """The category in which the holder is free by law on a day, if every age says so at which they
    may be."""
    band = case["pass"].get("age_band")
    several = case["terms"].get("party", {}).get("admits", 1) > 1 or (case["party"] or 1) > 1
    if band is None or several:
        return None
    for turn in case["pass"].get("turns", []):
        if date.fromisoformat(turn["on"]) <= day:
            band = turn["age_band"]
    until = case["pass"].get("turns_until")
    known_age = until is not None and day <= date.fromisoformat(until)
    youngest = int(band.rstrip("+").split("-")[0])
    oldest = int(band.split("-")[1]) if "-" in band and known_age else 120
    calendar = case.get("holidays", {})
    years = {str(day.year), str((day + timedelta(days=7)).year)}
    ordinary = years <= set(calendar) and not holidays_on(day, calendar)
    categories = []
    for age in range(youngest, oldest + 1):
        found = None
        for rule in case["spot"].get("free_entry", []):
            by_age = rule["who"] == "seniors" or (rule["who"] == "children" and "to_age" in rule)
            holds = ordinary or not rule.get("not_on_holidays", False)
            within = rule.get("from_age", 0) <= age <= rule.get("to_age", 120)
            if by_age and holds and within and found is None:
                found = {"seniors": "senior", "children": "child"}[rule["who"]]
        categories.append(found)
    return None if None in categories else categories[0]


def card_is_due(case: Json) -> bool:
    """Whether an account was bound to the holder since staff have last looked at their card."""
    since = case["pass"].get("card_due_since")
    looks = [datetime.fromisoformat(each["at"]) for each in case["visits"] if each.get("card_seen")]
    return since is not None and (not looks or max(looks) < datetime.fromisoformat(since))


def limits_of(case: Json) -> Json:
    """The limits at the spot: those of all spots, but for what is named for this one."""
    terms = case["terms"]
    special = terms.get("overrides", {}).get(case["spot"]["id"], {})
    return {"per_spot_day": 1, **terms.get("limits", {}), **special}


def used_up(case: Json, ledger: Ledger, today: date, first_day: date) -> str | None:  # noqa: C901, PLR0911 - a list of questions
    """The limit that one more visit would exceed, if there is one."""
    limits, spot = limits_of(case), case["spot"]

    def exceeded(name: str, used: int) -> bool:
        return limits.get(name) is not None and used >= limits[name]

    visits = [(party["key"][0], party["key"][1]) for party in ledger.parties]
    here = [day for place, day in visits if place == spot["id"]]
    if exceeded("per_spot_day", here.count(today)):
        return "already_today"
    if exceeded("per_spot", len(here)) or exceeded("total", len(visits)):
        return "no_visits_left"
    days = {day for _, day in visits}
    if today not in days and exceeded("days", len(days)):
        return "no_visits_left"
    for pool in case["terms"].get("pools", []):
        members = spots_of(pool, spot)
        if spot["id"] not in members:
            continue
        among = [place for place, _ in visits if place in members]
        if pool.get("visits") is not None and len(among) >= pool["visits"]:
            return "no_visits_left"
        new = spot["id"] not in among
        if new and pool.get("different") is not None and len(set(among)) >= pool["different"]:
            return "no_visits_left"
    for name, months in (("per_month", 1), ("per_year", 12)):
        number = 0
        while months_later(first_day, months * (number + 1)) <= today:
            number += 1
        begins = months_later(first_day, months * number)
        ends = months_later(first_day, months * (number + 1))
        if exceeded(name, len([day for _, day in visits if begins <= day < ends])):
            return "no_visits_left"
    return None


def promised(case: Json, reason: str) -> datetime | None:
    """The first of all moments at which anything can change, at which nothing objects."""
    rules = case["spot"].get("free_entry")
    if reason in NEVER_LIFTED and not (reason == "pay_at_window" and rules):
        return None
    at, ledger = datetime.fromisoformat(case["at"]), Ledger(case)
    _, valid_from, valid_until = validity(case, ledger)
    moments = []
    minutes = limits_of(case).get("minutes_between")
    if minutes is not None and ledger.parties:
        last = datetime.fromisoformat(ledger.parties[-1]["at"])
        moments.append(last + timedelta(minutes=minutes))
    if case.get("stop"):
        moments.append(datetime.fromisoformat(case["stop"]["until"]))
    day = min(day_of(case["at"]), valid_from)
    while day <= valid_until:
        moments.append(midnight(day))
        for times in times_of(case):
            for span in times.get("hours", []):
                hour, minute = span.split("-")[0].split(":")
                moments.append(midnight(day) + timedelta(hours=int(hour), minutes=int(minute)))
        day += timedelta(days=1)
    for moment in sorted(each for each in moments if each > at):
        if objection(case, moment, None) is None:
            return moment if known(case, moment.astimezone(ZONE).date()) else None
    return None


def expected(case: Json) -> Json:
    """The verdict, by the words of the guides."""
    at = datetime.fromisoformat(case["at"])
    reason = objection(case, at, case["code"].get("opened"))
    ledger = Ledger(case)
    key = case["spot"]["id"], day_of(case["at"])
    may_follow = ledger.may_follow(key)
    wanted = case["party"] or may_follow or ledger.room
    answer: Json = {
        "reason": "ok",
        "admits": 0,
        "pays": 0,
        "visits_left": None,
        "check_identity": False,
        "admitted_from": None,
    }
    if reason is not None:
        again = promised(case, reason)
        if again is not None:
            answer["admitted_from"] = again.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return answer | {"reason": reason}
    category = free_as(case, key[1])
    answer["pays"] = 0 if category else ledger.owed_with(key, wanted)
    beside = case.get("free", {})
    if "free_entry" in case["spot"]:
        answer["category"] = category
    if case.get("purpose") == "pay":
        return answer
    if "free_entry" in case["spot"]:
        mine = {category: 1} if category else {}
        answer["free"] = {
            each: mine.get(each, 0) + beside.get(each, 0) for each in {**mine, **beside}
        }
    limits, spots = limits_of(case), [party["key"][0] for party in ledger.parties]
    counted = [
        (limits.get("total"), len(spots)),
        (limits.get("per_spot"), spots.count(case["spot"]["id"])),
    ]
    for pool in case["terms"].get("pools", []):
        members = spots_of(pool, case["spot"])
        if case["spot"]["id"] in members:
            counted.append((pool.get("visits"), len([each for each in spots if each in members])))
    this = 0 if wanted <= may_follow or category else 1
    left = [limit - used - this for limit, used in counted if limit is not None]
    return answer | {
        "admits": (1 if category else wanted) + sum(beside.values()),
        "visits_left": min(left, default=None),
        "check_identity": case["gate"]["kind"] != "turnstile"
        and (
            bool(answer.get("free"))
            or not case["code"]["rotating"]
            or case["pass"].get("voucher", False)
            or card_is_due(case)
        ),
    }


def case(name: str, terms: Json | None = None, **changes: Any) -> Json:
    """A case that differs from a plain admission by what is given."""
    made: Json = {
        "name": name,
        "terms": {"term": {"days": 365}, "coverage": {"spots": ["emeishan", OTHER]}}
        | (terms or {}),
        "pass": {
            "state": "active",
            "valid_from": "2026-01-01",
            "valid_until": "2026-12-31",
            "activate_by": None,
        },
        "visits": [],
        "spot": SPOT,
        "gate": {"kind": "turnstile", "disabled": False},
        "code": {"rotating": True},
        "party": None,
        "at": NOON.isoformat(),
    }
    for key, value in changes.items():
        name_ = key.rstrip("_")
        before = made.get(name_)
        made[name_] = before | value if isinstance(before, dict) else value
    made["verdict"] = expected(made)
    return made


def visit(days_ago: int = 0, spot: str = "emeishan", minutes_ago: int = 60) -> Json:
    return {"spot": spot, "at": (NOON - timedelta(days=days_ago, minutes=minutes_ago)).isoformat()}


def cases() -> Iterator[Json]:  # noqa: C901, PLR0912, PLR0915 - a list of cases
    """All cases."""
    yield case("plain")
    for kind in ("turnstile", "handheld", "window"):
        for rotating in (True, False):
            yield case(
                f"{kind}_{'rotating' if rotating else 'static'}",
                gate={"kind": kind},
                code={"rotating": rotating},
            )
        yield case(f"{kind}_disabled", gate={"kind": kind, "disabled": True})
        yield case(f"{kind}_unpaid", {"payment": "at_window"}, gate={"kind": kind})
        yield case(
            f"{kind}_two_for_one",
            {"payment": "at_window", "party": {"admits": 2, "pays": 1}},
            gate={"kind": kind},
        )
    for state in ("active", *LIFELESS):
        yield case(f"state_{state}", pass_={"state": state})
        yield case(
            f"state_{state}_unpaid_turnstile", {"payment": "at_window"}, pass_={"state": state}
        )
    for unactivated in ("starts", "lapses"):
        for by in ("2026-06-30", "2026-07-01", "2026-07-02"):
            term = {"term": {"days": 365, "activate_within": 90, "unactivated": unactivated}}
            yield case(
                f"waits_until_{by}_then_{unactivated}",
                term,
                pass_={"state": "issued", "activate_by": by},
            )
    for first, last in (
        ("2026-07-01", "2026-07-01"),
        ("2026-07-02", "2026-07-09"),
        ("2026-06-01", "2026-06-30"),
    ):
        yield case(f"valid_{first}_to_{last}", pass_={"valid_from": first, "valid_until": last})
    for clock in (
        "2026-06-30T23:59:59.999",
        "2026-07-01T00:00:00",
        "2026-07-01T23:59:59.999",
        "2026-07-02T00:00:00",
    ):
        one_day = {"valid_from": "2026-07-01", "valid_until": "2026-07-01"}
        yield case(f"one_day_pass_at_{clock}", pass_=one_day, at=f"{clock}+08:00")
        utc = datetime.fromisoformat(f"{clock}+08:00").astimezone(UTC).isoformat()
        yield case(f"one_day_pass_at_{clock}_written_in_utc", pass_=one_day, at=utc)
    for name, coverage in {
        "by_tag": {"tags": ["5A"]},
        "by_other_tag": {"tags": ["4A"]},
        "by_tag_but_excluded": {"tags": ["5A"], "excluded": ["emeishan"]},
        "by_name_but_excluded": {"spots": ["emeishan"], "excluded": ["emeishan"]},
        "by_name_and_tag": {"spots": ["emeishan"], "tags": ["4A"]},
        "elsewhere": {"spots": [OTHER]},
    }.items():
        yield case(f"covered_{name}", {"coverage": coverage})
    yield case("spot_closed", spot={"closed": True})
    yield case(
        "spot_closed_and_not_covered", {"coverage": {"spots": [OTHER]}}, spot={"closed": True}
    )
    for name, blackout in {
        "today": {"dates": ["2026-07-01"]},
        "until_today": {"dates": ["2026-06-01/2026-07-01"]},
        "from_tomorrow": {"dates": ["2026-07-02/2026-07-09"]},
        "to_the_end_of_the_pass": {"dates": ["2026-07-01/2026-12-31"]},
        "wednesdays": {"weekdays": [3]},
        "wednesdays_and_tomorrow": {"weekdays": [3], "dates": ["2026-07-02"]},
        "weekends": {"weekdays": [6, 7]},
        "every_day": {"weekdays": [1, 2, 3, 4, 5, 6, 7]},
    }.items():
        yield case(f"blackout_{name}", {"blackout": blackout})
        yield case(f"blackout_{name}_already_in", {"blackout": blackout}, visits=[visit()])
    for name, season in {
        "summer": ["06-01/08-31"],
        "first_day": ["07-01/07-31"],
        "last_day": ["06-01/07-01"],
        "winter_over_new_year": ["11-01/02-28"],
        "two_with_a_gap": ["03-01/05-31", "09-01/11-30"],
        "summer_of_two": ["01-01/01-31", "07-01/07-02"],
    }.items():
        yield case(f"season_{name}", {"season": season})
    yield case(
        "season_and_blackout",
        {
            "season": ["06-01/07-03", "09-01/09-30"],
            "blackout": {"dates": ["2026-07-01/2026-07-03"]},
        },
    )
    for count in (1, 2, 3):
        for used in range(count + 1):
            limits = {"limits": {"per_spot_day": count}}
            yield case(
                f"{count}_a_day_{used}_used",
                limits,
                visits=[visit(minutes_ago=60 * (used - n)) for n in range(used)],
            )
    for name in ("per_spot", "total"):
        for used in (0, 1, 2):
            visits = [visit(days_ago=used - n) for n in range(used)]
            yield case(f"{name}_2_{used}_used", {"limits": {name: 2}}, visits=visits)
        yield case(
            f"{name}_2_used_elsewhere",
            {"limits": {name: 2}},
            visits=[visit(2, OTHER), visit(1, OTHER)],
        )
        yield case(f"{name}_1_used_today", {"limits": {name: 1}}, visits=[visit()])
        yield case(
            f"{name}_1_used_elsewhere_today", {"limits": {name: 1}}, visits=[visit(0, OTHER)]
        )
    for used in (1, 2):
        visits = [visit(days_ago=used - n) for n in range(used)]
        yield case(f"days_2_{used}_used", {"limits": {"days": 2}}, visits=visits)
        yield case(
            f"days_2_{used}_used_and_today",
            {"limits": {"days": used + 1}},
            visits=[*visits, visit(0, OTHER)],
        )
    yield case("days_1_goes_on_today", {"limits": {"days": 1}}, visits=[visit(0, OTHER)])
    yield case("days_1_same_spot_again", {"limits": {"days": 1}}, visits=[visit()])
    yield case(
        "no_limit_a_day", {"limits": {"per_spot_day": None}}, visits=[visit(), visit(minutes_ago=5)]
    )
    for minutes in (29, 30, 31):
        limits = {"limits": {"minutes_between": 30}}
        yield case(
            f"{minutes}_minutes_after_another_spot", limits, visits=[visit(0, OTHER, minutes)]
        )
    yield case(
        "too_soon_over_midnight",
        {"limits": {"minutes_between": 30}},
        visits=[{"spot": OTHER, "at": "2026-06-30T23:50:00+08:00"}],
        at="2026-07-01T00:10:00+08:00",
    )
    yield case(
        "yesterday_just_before_midnight",
        visits=[{"spot": "emeishan", "at": "2026-06-30T23:59:59+08:00"}],
        at="2026-07-01T00:00:01+08:00",
    )
    for name, overrides in {
        "one_in_all": {"emeishan": {"per_spot": 1}},
        "two_a_day": {"emeishan": {"per_spot_day": 2}},
        "none_a_day_counted": {"emeishan": {"per_spot_day": None}},
        "of_another_spot": {OTHER: {"per_spot_day": 3}},
    }.items():
        for days_ago in (0, 1):
            yield case(
                f"override_{name}_visited_{days_ago}_days_ago",
                {"overrides": overrides},
                visits=[visit(days_ago)],
            )
    yield case(
        "override_lifts_the_usual_limit",
        {"limits": {"per_spot": 1}, "overrides": {"emeishan": {"per_spot": 5}}},
        visits=[visit(1)],
    )
    yield case(
        "override_keeps_the_total",
        {"limits": {"total": 1}, "overrides": {"emeishan": {"per_spot": 5}}},
        visits=[visit(1)],
    )
    for admits, pays in ((1, 1), (2, 1), (4, 4), (4, 3)):
        for party in sorted({0, 1, admits, admits + 1}):
            terms = {"payment": "at_window", "party": {"admits": admits, "pays": pays}}
            yield case(
                f"party_{admits}_pays_{pays}_asks_{party or 'for_all'}",
                terms,
                gate={"kind": "window"},
                party=party,
            )
    family = {"payment": "at_window", "party": {"admits": 4, "pays": 3}, "limits": {"total": 3}}
    for came in (1, 2, 3, 4):
        for asked in (None, 1, 2, 4):
            visits = [{**visit(minutes_ago=10), "people": came}]
            name = f"{came}_of_4_are_in_then_{asked or 'the_rest'}"
            yield case(name, family, gate={"kind": "window"}, visits=visits, party=asked)
        visits = [{**visit(1), "people": came}]
        yield case(
            f"{came}_of_4_were_in_yesterday",
            family,
            gate={"kind": "window"},
            visits=visits,
            party=1,
        )
    soon = {"party": {"admits": 2, "pays": 2}, "limits": {"minutes_between": 30}}
    yield case(
        "the_second_follows_at_once", soon, visits=[{**visit(minutes_ago=1), "people": 1}], party=1
    )
    in_parts = [{**visit(minutes_ago=9), "people": 2}, {**visit(minutes_ago=8), "people": 1}]
    yield case(
        "the_fourth_of_a_party_in_three_parts",
        family,
        gate={"kind": "window"},
        visits=in_parts,
        party=1,
    )
    yield case("last_day_already_in", pass_={"valid_until": "2026-07-01"}, visits=[visit()])
    yield case(
        "smaller_of_two_left",
        {"limits": {"total": 9, "per_spot": 3}},
        visits=[visit(2), visit(1, OTHER)],
    )

    # A rotating code that has opened a gate, in the last minute.
    many = {"limits": {"per_spot_day": None}}
    just_now = {**visit(minutes_ago=1), "people": 1}
    for name, opened in {"here": "emeishan", "elsewhere": OTHER}.items():
        yield case(
            f"code_that_opened_{name}",
            many,
            visits=[visit(0, opened, 1)],
            code={"opened": opened},
        )
        yield case(
            f"code_that_opened_{name}_and_already_in_today",
            visits=[visit(0, opened, 1), visit()],
            code={"opened": opened},
        )
        yield case(
            f"rest_of_a_party_with_the_code_that_opened_{name}",
            {"party": {"admits": 3, "pays": 3}},
            visits=[just_now],
            code={"opened": opened},
            party=2,
        )
    yield case(
        "another_party_with_the_code_that_opened_here",
        many | {"party": {"admits": 3, "pays": 3}},
        visits=[just_now],
        code={"opened": "emeishan"},
        party=3,
    )


def issued(first: str, at: str, term: Json, **more: Any) -> Json:
    """A case whose valid days follow from its term and the day of issue."""
    held = {"issued_on": first, "valid_from": None, "valid_until": None}
    return {"terms": {"term": term}, "pass_": held, "at": f"{at}T12:00:00+08:00", **more}


def on(day: str, spot: str = "emeishan", clock: str = "10:00", **more: Any) -> Json:
    """A visit on a day."""
    return {"spot": spot, "at": f"{day}T{clock}:00+08:00", **more}


def cases_of_terms() -> Iterator[Json]:  # noqa: C901, PLR0912 - a list of cases
    """Days of validity, months and years of it, pools, overrides."""
    for name, term, first, last in (
        ("a_year_from_1_march", {"years": 1}, "2027-03-01", "2028-02-29"),
        ("a_year_from_2_march", {"years": 1}, "2027-03-02", "2028-03-01"),
        ("a_year_from_the_leap_day", {"years": 1}, "2028-02-29", "2029-02-28"),
        ("a_month_from_31_january", {"months": 1}, "2027-01-31", "2027-02-28"),
        ("a_month_from_31_march", {"months": 1}, "2027-03-31", "2027-04-30"),
        ("three_months_from_30_november", {"months": 3}, "2026-11-30", "2027-02-28"),
        ("a_year_and_30_days", {"years": 1, "days": 30}, "2026-07-01", "2027-07-30"),
        ("a_year_and_a_half", {"years": 1, "months": 6}, "2026-07-01", "2027-12-31"),
        ("one_day", {"days": 1}, "2026-07-01", "2026-07-01"),
    ):
        for what, day in (
            ("on_its_last_day", date.fromisoformat(last)),
            ("the_day_after", date.fromisoformat(last) + timedelta(days=1)),
            ("the_day_before_it", date.fromisoformat(first) - timedelta(days=1)),
        ):
            given = issued(first, day.isoformat(), term)
            yield case(f"{name}_{what}", given.pop("terms"), **given)
    next_day = {"days": 3, "starts": "next_day"}
    for at_day in ("2026-07-01", "2026-07-02", "2026-07-04", "2026-07-05"):
        given = issued("2026-07-01", at_day, next_day)
        yield case(f"from_the_day_after_issue_at_{at_day}", given.pop("terms"), **given)
    first_visit = {"days": 3, "starts": "first_visit", "start_within": 30}
    for at_day in ("2026-07-01", "2026-07-31", "2026-08-01"):
        given = issued("2026-07-01", at_day, first_visit)
        yield case(f"from_the_first_visit_not_visited_at_{at_day}", given.pop("terms"), **given)
    for at_day in ("2026-07-22", "2026-07-23"):
        given = issued("2026-07-01", at_day, first_visit, visits=[on("2026-07-20")])
        yield case(f"from_the_first_visit_of_20_july_at_{at_day}", given.pop("terms"), **given)
    given = issued("2026-07-01", "2026-08-02", first_visit, visits=[on("2026-07-31")])
    yield case("first_visit_on_the_last_possible_day", given.pop("terms"), **given)

    # So many visits in a month, or a year, of validity.
    held = {"valid_from": "2026-01-31", "valid_until": "2028-01-30"}
    for name, visits, at in (
        ("none", [], "2026-02-10"),
        ("used_up", [on("2026-01-31")], "2026-02-28"),
        ("next_month_begins_on_1_march", [on("2026-02-28")], "2026-03-01"),
        ("that_month_goes_on_until_30_march", [on("2026-03-01")], "2026-03-30"),
        ("31_march_is_the_next", [on("2026-03-01")], "2026-03-31"),
    ):
        yield case(
            f"per_month_1_{name}",
            {"limits": {"per_month": 1}},
            pass_=held,
            visits=visits,
            at=f"{at}T12:00:00+08:00",
        )
        yield case(
            f"per_month_2_{name}",
            {"limits": {"per_month": 2}},
            pass_=held,
            visits=visits,
            at=f"{at}T12:00:00+08:00",
        )
    for count in (1, 2):
        for at in ("2026-06-01", "2027-01-30", "2027-01-31", "2028-01-30"):
            yield case(
                f"per_year_{count}_at_{at}",
                {"limits": {"per_year": count}},
                pass_=held,
                visits=[on("2026-03-01")],
                at=f"{at}T12:00:00+08:00",
            )
    yield case(
        "last_month_of_a_pass_used_up",
        {"limits": {"per_month": 1}},
        pass_={"valid_from": "2026-06-15", "valid_until": "2026-07-14"},
        visits=[visit(1)],
    )
    yield case(
        "per_month_and_a_blackout_when_the_next_begins",
        {"limits": {"per_month": 1}, "blackout": {"dates": ["2026-07-15/2026-07-20"]}},
        pass_={"valid_from": "2026-06-15", "valid_until": "2027-06-14"},
        visits=[visit(1)],
    )
    yield case(
        "per_month_counts_from_the_first_visit",
        {
            "term": {"years": 1, "starts": "first_visit", "start_within": 90},
            "limits": {"per_month": 1},
        },
        pass_={"issued_on": "2026-06-01", "valid_from": None, "valid_until": None},
        visits=[on("2026-06-20")],
    )

    # Pools.
    five = ["emeishan", OTHER, "leshan", "qingchengshan", "dazu"]
    covered: Json = {"coverage": {"spots": five}}
    for different in (1, 2):
        for used in ([], [OTHER], [OTHER, "leshan"], ["emeishan"], ["emeishan", OTHER]):
            visits = [visit(5 - n, spot) for n, spot in enumerate(used)]
            yield case(
                f"any_{different}_of_5_visited_{'_'.join(used) or 'none'}",
                covered | {"pools": [{"spots": five, "different": different}]},
                visits=visits,
            )
    for so_many in (0, 1, 2, 3):
        visits = [visit(5 - n, five[n % 3]) for n in range(so_many)]
        yield case(
            f"3_visits_among_5_used_{so_many}",
            covered | {"pools": [{"spots": five, "visits": 3}]},
            visits=visits,
        )
    for name, pool in {
        "of_other_spots": {"spots": [OTHER, "leshan"], "visits": 1},
        "by_tag": {"tags": ["5A"], "spots": [OTHER], "visits": 1},
        "by_tag_but_excluded": {
            "tags": ["5A"],
            "spots": [OTHER],
            "excluded": ["emeishan"],
            "visits": 1,
        },
        "both": {"spots": five, "visits": 2, "different": 1},
    }.items():
        yield case(f"pool_{name}", covered | {"pools": [pool]}, visits=[visit(1, OTHER)])
    yield case(
        "smaller_of_two_pools",
        covered
        | {"pools": [{"spots": five, "visits": 9}, {"spots": ["emeishan", OTHER], "visits": 3}]},
        visits=[visit(1, OTHER)],
    )
    yield case(
        "pool_used_up_today_is_not_lifted_tomorrow",
        covered | {"pools": [{"spots": five, "visits": 1}]},
        visits=[visit()],
    )

    # An override changes only what it names.
    for name, special in {
        "per_spot_day": {"per_spot_day": 2},
        "per_spot": {"per_spot": 3},
        "no_limit_in_all": {"per_spot": None},
        "no_limit_a_day": {"per_spot_day": None},
    }.items():
        for so_many in (1, 2):
            for days_ago in (0, 1):
                visits = [visit(days_ago, minutes_ago=60 * (so_many - n)) for n in range(so_many)]
                yield case(
                    f"override_of_{name}_{so_many}_used_{days_ago}_days_ago",
                    {
                        "limits": {"per_spot_day": 2, "per_spot": 2},
                        "overrides": {"emeishan": special},
                    },
                    visits=visits,
                )


def cases_of_times() -> Iterator[Json]:
    """Hours, holidays by name, times of single spots, promises."""
    for name, hours in {
        "morning": ["09:00-12:00"],
        "afternoon": ["12:00-17:30"],
        "two": ["08:00-11:00", "14:00-16:00"],
        "evening": ["18:00-22:00"],
        "past": ["06:00-09:00"],
    }.items():
        yield case(f"hours_{name}", {"hours": hours})
        yield case(f"hours_{name}_already_in", {"hours": hours}, visits=[visit()])
        yield case(
            f"hours_{name}_on_the_last_day", {"hours": hours}, pass_={"valid_until": "2026-07-01"}
        )
    for clock in ("08:59:59.999", "09:00:00", "16:59:59.999", "17:00:00"):
        yield case(f"hours_at_{clock}", {"hours": ["09:00-17:00"]}, at=f"2026-07-01T{clock}+08:00")
    yield case(
        "hours_and_a_blackout_tomorrow",
        {"hours": ["09:00-11:00"], "blackout": {"dates": ["2026-07-02/2026-07-05"]}},
    )
    yield case(
        "blackout_today_opens_at_nine",
        {"hours": ["09:00-11:00"], "blackout": {"dates": ["2026-07-01"]}},
    )
    yield case(
        "hours_that_never_meet",
        {"hours": ["09:00-10:00"], "at": [{"spots": ["emeishan"], "hours": ["14:00-15:00"]}]},
        pass_={"valid_until": "2026-07-31"},
    )
    yield case(
        "too_soon_until_after_closing",
        {"hours": ["09:00-12:30"], "limits": {"minutes_between": 60}},
        visits=[visit(0, OTHER, 10)],
    )
    calendar: Json = {
        "2026": {
            "labour_day": ["2026-05-01/2026-05-05"],
            "dragon_boat": ["2026-06-19/2026-06-21"],
            "mid_autumn": ["2026-09-25/2026-09-27"],
            "national_day": ["2026-10-01/2026-10-07"],
        }
    }
    next_year: Json = {
        "2027": {
            "new_year": ["2026-12-31/2027-01-03"],
            "spring_festival": ["2027-02-05/2027-02-11"],
        }
    }
    golden: Json = {"blackout": {"holidays": ["national_day", "new_year"]}}
    for name, day, years in (
        ("before", "2026-09-30", calendar),
        ("first_day", "2026-10-01", calendar),
        ("last_day", "2026-10-07", calendar),
        ("after", "2026-10-08", calendar),
        ("not_published", "2026-10-01", {}),
        ("another", "2026-05-01", calendar),
        ("begins_in_december", "2026-12-31", calendar | next_year),
        ("next_year_not_published", "2026-12-31", calendar),
        ("in_january", "2027-01-03", calendar | next_year),
    ):
        yield case(
            f"holidays_{name}",
            golden,
            pass_={"valid_until": "2027-06-30"},
            holidays=years,
            at=f"{day}T12:00:00+08:00",
        )
    yield case(
        "nothing_is_promised_for_a_year_not_published",
        golden | {"blackout": {"holidays": ["new_year"], "dates": ["2026-12-01/2026-12-31"]}},
        pass_={"valid_until": "2027-06-30"},
        holidays=calendar,
        at="2026-12-05T12:00:00+08:00",
    )
    yield case(
        "promised_after_new_year_once_it_is_published",
        golden | {"blackout": {"holidays": ["new_year"], "dates": ["2026-12-01/2026-12-31"]}},
        pass_={"valid_until": "2027-06-30"},
        holidays=calendar | next_year,
        at="2026-12-05T12:00:00+08:00",
    )
    yield case(
        "already_today_and_tomorrow_is_a_holiday",
        golden,
        visits=[on("2026-09-30")],
        holidays=calendar,
        at="2026-09-30T12:00:00+08:00",
    )
    for name, at in {
        "golden_week": {"spots": ["emeishan"], "blackout": {"dates": ["2026-07-01/2026-07-07"]}},
        "season": {"spots": ["emeishan"], "season": ["08-01/08-31"]},
        "hours": {"spots": ["emeishan"], "hours": ["14:00-16:00"]},
        "weekdays": {"spots": ["emeishan"], "blackout": {"weekdays": [3, 4]}},
        "by_tag": {"tags": ["5A"], "hours": ["14:00-16:00"]},
        "excluded": {"tags": ["5A"], "excluded": ["emeishan"], "hours": ["14:00-16:00"]},
        "another_spot": {"spots": [OTHER], "blackout": {"weekdays": [3]}},
    }.items():
        yield case(f"at_the_spot_{name}", {"at": [at]})
        yield case(
            f"at_the_spot_{name}_and_the_usual_times", {"at": [at], "season": ["07-03/08-15"]}
        )
    yield case(
        "at_the_spot_holidays",
        {"at": [{"spots": ["emeishan"], "blackout": {"holidays": ["national_day"]}}]},
        holidays=calendar,
        at="2026-10-01T12:00:00+08:00",
    )
    for name, terms, visits in (
        ("days", {"limits": {"days": 1}}, [visit(0, OTHER), visit()]),
        ("total", {"limits": {"total": 1}}, [visit()]),
        ("per_spot", {"limits": {"per_spot": 1}}, [visit()]),
        ("season", {"season": ["07-01/07-01"]}, [visit()]),
        ("minutes", {"limits": {"minutes_between": 1500}}, [visit()]),
        ("month", {"limits": {"per_month": 1}}, [visit()]),
    ):
        yield case(f"promise_after_today_with_{name}", terms, visits=visits)
    yield case(
        "promise_of_a_pass_that_is_not_valid_yet_and_then_blacked_out",
        {"blackout": {"dates": ["2026-08-01/2026-08-10"]}, "hours": ["10:00-11:00"]},
        pass_={"valid_from": "2026-08-01"},
    )
    yield case(
        "promise_of_a_pass_that_ends_before",
        {"blackout": {"dates": ["2026-07-01/2026-07-31"]}},
        pass_={"valid_until": "2026-07-31"},
    )
    yield case(
        "blackout_of_what_is_to_be_paid_promises_no_turnstile",
        {"blackout": {"dates": ["2026-07-01"]}, "payment": "at_window"},
    )
    yield case(
        "blackout_of_what_is_to_be_paid_promises_a_window",
        {"blackout": {"dates": ["2026-07-01"]}, "payment": "at_window"},
        gate={"kind": "window"},
    )
    yield case(
        "too_many_for_the_pass_are_promised_nothing",
        {"blackout": {"dates": ["2026-07-01"]}},
        party=2,
    )


def cases_of_people() -> Iterator[Json]:
    """Who is frozen by whom, what a party owes, who comes back, spent codes."""
    for by in ("staff", "holder"):
        yield case(f"frozen_by_{by}_who_says_so", pass_={"state": "frozen", "frozen_by": by})
    two: Json = {"payment": "at_window", "party": {"admits": 2, "pays": 1}}
    window: Json = {"kind": "window"}
    friend = {**visit(minutes_ago=5), "people": 1, "paid": 0}
    payer = {**visit(minutes_ago=6), "people": 1, "paid": 1}
    till = {**visit(minutes_ago=9), "event": "paid", "people": 1}
    for kind in ("window", "turnstile"):
        gate = {"kind": kind}
        yield case(
            f"{kind}_payer_annulled_the_friend_is_in", two, gate=gate, visits=[friend], party=1
        )
        yield case(f"{kind}_the_free_friend_follows", two, gate=gate, visits=[payer], party=1)
        yield case(f"{kind}_paid_before", two, gate=gate, visits=[till])
        yield case(f"{kind}_paid_before_and_one_comes", two, gate=gate, visits=[till], party=1)
        yield case(
            f"{kind}_paid_before_and_one_is_in", two, gate=gate, visits=[till, friend], party=1
        )
        yield case(
            f"{kind}_paid_yesterday",
            two,
            gate=gate,
            visits=[{**visit(1), "event": "paid", "people": 1}],
        )
        yield case(
            f"{kind}_paid_elsewhere",
            two,
            gate=gate,
            visits=[{**visit(0, OTHER), "event": "paid", "people": 1}],
        )
        yield case(
            f"{kind}_nothing_to_pay",
            {"payment": "at_window", "party": {"admits": 2, "pays": 0}},
            gate=gate,
        )
        for asked in (None, 1, 2, 3):
            yield case(
                f"{kind}_pays_now_for_{asked or 'all'}", two, gate=gate, party=asked, purpose="pay"
            )
    family: Json = {"payment": "at_window", "party": {"admits": 4, "pays": 3}}
    for paid in (1, 2, 3):
        once = {**visit(minutes_ago=9), "event": "paid", "people": paid}
        for asked in (None, 1, 2, 3):
            for kind in ("window", "turnstile"):
                yield case(
                    f"{paid}_of_4_paid_then_{asked or 'all'}_at_a_{kind}",
                    family,
                    gate={"kind": kind},
                    visits=[once],
                    party=asked,
                )
    yield case("paid_already_pays_nothing_now", two, gate=window, visits=[till], purpose="pay")
    yield case(
        "two_visits_a_day_pay_twice",
        two | {"limits": {"per_spot_day": 2}},
        gate=window,
        visits=[visit()],
    )
    yield case("pay_for_what_is_used_up", two, gate=window, visits=[visit()], purpose="pay")
    yield case(
        "pay_for_what_is_blacked_out",
        two | {"blackout": {"weekdays": [3]}},
        gate=window,
        purpose="pay",
    )
    yield case(
        "pay_with_a_code_that_was_used",
        two | {"limits": {"per_spot_day": None}},
        gate=window,
        visits=[visit()],
        code={"opened": "emeishan"},
        purpose="pay",
    )
    later: dict[str, Json] = {
        "blackout": {"blackout": {"weekdays": [3]}},
        "hours": {"hours": ["14:00-15:00"]},
        "used_up": {"limits": {"total": 1}},
        "too_soon": {"limits": {"minutes_between": 120}},
    }
    for name, terms in later.items():
        yield case(
            f"turnstile_payment_is_asked_after_{name}", two | terms, visits=[visit(0, OTHER)]
        )
    yield case("turnstile_payment_is_asked_after_the_party", two, party=3)
    yield case(
        "turnstile_payment_is_asked_after_the_code",
        two | {"limits": {"per_spot_day": None}},
        visits=[visit()],
        code={"opened": "emeishan"},
    )

    # Who has left and comes back on that day.
    out = {**visit(minutes_ago=20), "event": "left"}
    back: Json = {"re_entry": True}
    yield case("left_and_comes_back", back, visits=[visit(), out])
    yield case("left_and_comes_back_where_that_is_another_visit", visits=[visit(), out])
    yield case("never_left", back, visits=[visit()])
    yield case(
        "left_yesterday", back, visits=[visit(1), {**visit(1, minutes_ago=20), "event": "left"}]
    )
    yield case("left_elsewhere", back, visits=[visit(), {**out, "spot": OTHER}])
    yield case("came_back_already", back, visits=[visit(), out, visit(minutes_ago=10)])
    yield case(
        "left_twice_comes_back_once", back, visits=[visit(), out, out, visit(minutes_ago=10)]
    )
    yield case(
        "comes_back_soon", back | {"limits": {"minutes_between": 120}}, visits=[visit(), out]
    )
    yield case(
        "comes_back_with_no_visit_left", back | {"limits": {"total": 1}}, visits=[visit(), out]
    )
    yield case("comes_back_too_late", back | {"hours": ["09:00-12:00"]}, visits=[visit(), out])
    yield case(
        "comes_back_with_the_code_that_opened_here",
        back,
        visits=[visit(), out],
        code={"opened": "emeishan"},
    )
    all_back = family | back
    for left in (1, 2, 4):
        for asked in (None, 1, 3):
            yield case(
                f"{left}_of_4_left_then_{asked or 'all'}_come_back",
                all_back,
                gate=window,
                visits=[visit(), {**out, "people": left}],
                party=asked,
            )
    yield case(
        "2_of_4_came_and_1_left_then_the_rest_pays",
        all_back,
        gate=window,
        visits=[{**visit(), "people": 2}, {**out, "people": 1}],
    )


def cases_of_cards() -> Iterator[Json]:
    """When staff look at the card: an account was bound to the holder, or it is a voucher."""
    bound = {"card_due_since": (NOON - timedelta(days=2)).isoformat()}
    seen, not_seen = {**visit(1), "card_seen": True}, visit(1)
    seen_before = {**visit(3), "card_seen": True}
    at_window: Json = {"payment": "at_window"}
    for kind in ("turnstile", "handheld", "window"):
        here: Json = {"pass_": bound, "gate": {"kind": kind}}
        yield case(f"{kind}_an_account_was_bound", **here)
        yield case(f"{kind}_card_seen_since", **here, visits=[seen])
        yield case(f"{kind}_a_visit_at_which_nobody_looked", **here, visits=[not_seen])
        yield case(f"{kind}_card_seen_before_an_account_was_bound", **here, visits=[seen_before])
        yield case(
            f"{kind}_card_seen_at_that_moment",
            **here,
            visits=[{**seen, "at": bound["card_due_since"]}],
        )
        yield case(f"{kind}_an_account_was_bound_and_it_was_used_today", **here, visits=[visit()])
        yield case(f"{kind}_an_account_was_bound_and_it_is_to_be_paid", at_window, **here)
        yield case(
            f"{kind}_an_account_was_bound_and_the_code_is_spent", **here, code={"opened": OTHER}
        )
        yield case(
            f"{kind}_an_account_was_bound_and_paper_is_shown", **here, code={"rotating": False}
        )
        yield case(f"{kind}_voucher", pass_={"voucher": True}, gate={"kind": kind})
        yield case(
            f"{kind}_voucher_to_be_paid", at_window, pass_={"voucher": True}, gate={"kind": kind}
        )


def cases_of_withdrawn_spots() -> Iterator[Json]:
    """A spot that leaves the product, before its day and from then on."""
    today = NOON.astimezone(ZONE).date()
    days = {"long_ago": today - timedelta(days=30), "today": today}
    days |= {"tomorrow": today + timedelta(days=1), "in_three_days": today + timedelta(days=3)}
    for policy in ("end", "serve"):
        for when, day in days.items():
            name = f"spot_withdrawn_{when}_{policy}"
            left = {"spot_withdrawn": {"from": day.isoformat(), "policy": policy}}
            yield case(name, pass_=left)
            yield case(f"{name}_used_today", pass_=left, visits=[visit()])
            yield case(
                f"{name}_and_closed_until_then",
                {"blackout": {"dates": [f"{today}/{today + timedelta(days=2)}"]}},
                pass_=left,
            )
    ended = {"spot_withdrawn": {"from": today.isoformat(), "policy": "end"}}
    yield case("spot_withdrawn_and_closed", pass_=ended, spot={"closed": True})
    yield case("spot_withdrawn_and_to_be_paid", {"payment": "at_window"}, pass_=ended)
    yield case("spot_withdrawn_and_pass_expired", pass_=ended | {"valid_until": "2026-01-02"})
    yield case("spot_withdrawn_and_pass_frozen", pass_=ended | {"state": "frozen"})


def cases_of_stops() -> Iterator[Json]:
    """Entry is stopped at the spot until an hour."""
    soon, tomorrow = NOON + timedelta(hours=2), NOON + timedelta(days=1)
    hours: Json = {"hours": ["09:00-13:00"]}
    for name, until in (("soon", soon), ("tomorrow", tomorrow), ("over", NOON)):
        stop = {"until": until.isoformat()}
        yield case(f"stopped_until_{name}", stop=stop)
        yield case(f"stopped_until_{name}_with_hours", hours, stop=stop)
        yield case(f"stopped_until_{name}_used_today", stop=stop, visits=[visit()])
        yield case(f"stopped_until_{name}_to_be_paid", {"payment": "at_window"}, stop=stop)
    stop = {"until": soon.isoformat()}
    yield case("stopped_and_the_spot_is_closed", stop=stop, spot={"closed": True})
    yield case("stopped_and_not_covered", {"coverage": {"spots": [OTHER]}}, stop=stop)
    yield case("stopped_and_frozen", stop=stop, pass_={"state": "frozen"})
    yield case(
        "stopped_and_paying",
        {"payment": "at_window"},
        stop=stop,
        purpose="pay",
        gate={"kind": "window"},
    )
    yield case(
        "stopped_for_the_rest_of_a_party",
        {"party": {"admits": 2, "pays": 2}},
        stop=stop,
        visits=[{**visit(), "people": 1}],
        party=1,
    )
    emergency = {**stop, "emergency": True}
    over = {"until": NOON.isoformat(), "emergency": True}
    yield case("emergency", stop=emergency)
    yield case("emergency_and_paper_at_a_turnstile", stop=emergency, code={"rotating": False})
    yield case("emergency_and_revoked", stop=emergency, pass_={"state": "revoked"})
    yield case("emergency_and_gate_disabled", stop=emergency, gate={"disabled": True})
    yield case("emergency_over", stop=over)
    yield case("stopped_and_paper_at_a_turnstile", stop=stop, code={"rotating": False})


def cases_of_free_entry() -> Iterator[Json]:
    """Who is free by law at the spot: the holder, and people beside them."""
    children: Json = {"who": "children", "to_age": 6, "to_cm": 120}
    younger: Json = {"who": "seniors", "from_age": 60, "to_age": 64, "not_on_holidays": True}
    seniors: Json = {"who": "seniors", "from_age": 65}
    here: Json = {"free_entry": [children, younger, seniors, {"who": "soldiers"}]}
    today, tomorrow = TODAY.isoformat(), (TODAY + timedelta(days=1)).isoformat()
    known_years: Json = {"2026": {}, "2027": {}}
    holiday: Json = {"2026": {"national_day": [today]}, "2027": {}}
    used_up: Json = {"limits": {"total": 1}}
    for band in ("0-5", "6-13", "14-17", "18-59", "60-64", "65+"):
        holder = {"age_band": band, "turns_until": "2026-12-31"}
        plain: Json = {"pass_": holder, "spot": here, "visits": [visit(1)]}
        name = f"free_{band}"
        yield case(name, used_up, **plain, holidays=known_years)
        yield case(f"{name}_on_a_holiday", used_up, **plain, holidays=holiday)
        yield case(f"{name}_holidays_not_known", used_up, **plain)
        yield case(f"{name}_at_a_window", **plain, holidays=known_years, gate={"kind": "window"})
        yield case(
            f"{name}_turns_not_known",
            used_up,
            **plain | {"pass_": {"age_band": band}},
            holidays=known_years,
        )
        yield case(f"{name}_to_be_paid", {"payment": "at_window"}, **plain, holidays=holiday)
        yield case(
            f"{name}_pays",
            {"payment": "at_window"},
            **plain,
            holidays=known_years,
            gate={"kind": "window"},
            purpose="pay",
        )
    old: Json = {
        "pass_": {"age_band": "65+"},
        "spot": here,
        "holidays": known_years,
        "visits": [visit(1)],
    }
    turning: Json = {
        "age_band": "18-59",
        "turns": [{"on": tomorrow, "age_band": "60-64"}],
        "turns_until": "2026-12-31",
    }
    yield case("free_from_tomorrow", used_up, **old | {"pass_": turning})
    yield case(
        "free_from_tomorrow_and_a_month_is_used_up",
        {"limits": {"per_month": 1}},
        **old | {"pass_": turning, "visits": [visit()]},
    )
    yield case(
        "free_rule_covers_the_band_in_part",
        used_up,
        **old | {"spot": {"free_entry": [{"who": "seniors", "from_age": 70}]}},
    )
    yield case("free_in_a_party_of_two", {"party": {"admits": 2, "pays": 2}}, **old)
    yield case("free_with_another", **old, party=2)
    yield case("free_alone", used_up, **old, party=1)
    yield case("free_too_soon", {"limits": {"minutes_between": 3000}}, **old)
    yield case("free_and_frozen", **old | {"pass_": {"age_band": "65+", "state": "frozen"}})
    yield case("free_and_closed", **old | {"spot": {**here, "closed": True}})
    yield case("free_in_a_blackout", {"blackout": {"weekdays": [3]}}, **old)
    yield case("free_and_the_code_is_spent", **old, code={"opened": "emeishan"})
    for kind in ("turnstile", "handheld"):
        yield case(f"free_again_at_a_{kind}", **old, gate={"kind": kind}, came_free_on=today)
        yield case(
            f"free_and_an_account_was_bound_at_a_{kind}",
            **old | {"pass_": {"age_band": "65+", "card_due_since": NOON.isoformat()}},
            gate={"kind": kind},
        )
    first_visit: Json = {"term": {"days": 10, "starts": "first_visit", "start_within": 30}}
    waiting = {"age_band": "65+", "issued_on": today, "valid_from": None, "valid_until": None}
    yield case("free_before_the_first_visit", first_visit, **old | {"pass_": waiting, "visits": []})
    staffed: Json = {"spot": here, "holidays": known_years, "gate": {"kind": "window"}}
    for beside in ({"child": 2}, {"child": 1, "soldier": 1}, {"senior": 3}):
        name = "_".join(f"{number}_{each}" for each, number in beside.items())
        yield case(f"beside_{name}", {"limits": {"total": 1}}, **staffed, free=beside)
        yield case(f"beside_{name}_used_up", used_up, **staffed, free=beside, visits=[visit(1)])
        yield case(
            f"beside_{name}_and_a_party_that_pays",
            {"party": {"admits": 3, "pays": 2}, "payment": "at_window"},
            **staffed,
            free=beside,
            party=2,
        )
        yield case(
            f"beside_{name}_and_a_senior",
            **staffed | {"pass_": {"age_band": "65+"}},
            free=beside,
        )


def main() -> None:
    made = [
        *cases(),
        *cases_of_terms(),
        *cases_of_times(),
        *cases_of_people(),
        *cases_of_cards(),
        *cases_of_withdrawn_spots(),
        *cases_of_stops(),
        *cases_of_free_entry(),
    ]
    names = [each["name"] for each in made]
    if len(set(names)) < len(names):
        raise SystemExit(f"twice: {sorted({name for name in names if names.count(name) > 1})}")
    superseded = []
    for each in made:
        if each["name"] in SUPERSEDED:
            why, name_now, answered = SUPERSEDED[each["name"]]
            superseded.append({**each, "verdict": each["verdict"] | answered, "why": why})
            each["name"] = name_now
    document = {
        "version": 3,
        "about": "A scan and what is answered to it: terms, visits that count, gate, code → "
        "verdict.",
        "cases": made,
        "superseded": superseded,
    }
    file = Path(__file__).parent / "decide.json"
    file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
