"""Makes `decide.json`: `python -m tests.vectors.make_decide`.

Cases for makers of gates that decide alone: terms, visits so far, a scan, and what must be
answered. What is expected is worked out here from the words of the operator guide and the gate
protocol, sharing no code with `passes.admission.rules`, and as one plain list of questions. Cases
are added, never changed.
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


def day_of(at: str) -> date:
    return datetime.fromisoformat(at).astimezone(ZONE).date()


def usable(terms: Json, day: date) -> bool:
    """No blackout, and in season."""
    blackout = terms.get("blackout", {})
    if day.isoweekday() in blackout.get("weekdays", []):
        return False
    for span in blackout.get("dates", []):
        start, _, end = span.partition("/")
        if start <= day.isoformat() <= (end or start):
            return False
    month_day, seasons = day.isoformat()[5:], [span.split("/") for span in terms.get("season", [])]
    return not seasons or any(
        start <= month_day <= end if start <= end else month_day >= start or month_day <= end
        for start, end in seasons
    )


def counted(scans: list[Json], room: int) -> tuple[list[Json], dict[tuple[str, date], int]]:
    """The visits, and the places left of parties that came in part; `people` are all that the pass
    admits if absent."""
    visits: list[Json] = []
    places: dict[tuple[str, date], int] = {}
    for scan in scans:
        key, people = (scan["spot"], day_of(scan["at"])), scan.get("people", room)
        if people <= places.get(key, 0):
            places[key] -= people
        else:
            visits.append(scan)
            places[key] = room - people
    return visits, places


def expected(case: Json) -> Json:  # noqa: C901, PLR0911, PLR0912 - a list of questions
    """The verdict, by the words of the guides."""
    terms, held, spot, gate = case["terms"], case["pass"], case["spot"], case["gate"]
    at = datetime.fromisoformat(case["at"])
    today = day_of(case["at"])

    def refused(reason: str, again: datetime | None = None) -> Json:
        from_ = again.astimezone(UTC).isoformat().replace("+00:00", "Z") if again else None
        return {
            "reason": reason,
            "admits": 0,
            "pays": 0,
            "visits_left": None,
            "check_identity": False,
            "admitted_from": from_,
        }

    def midnight(day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=ZONE)

    def next_usable() -> datetime | None:
        day, last = today + timedelta(days=1), date.fromisoformat(held["valid_until"])
        while day <= last:
            if usable(terms, day):
                return midnight(day)
            day += timedelta(days=1)
        return None

    if gate["disabled"]:
        return refused("gate_disabled")
    if not case["code"]["rotating"] and gate["kind"] == "turnstile":
        return refused("code_static")
    state = held["state"]
    if (
        state == "issued"
        and held.get("activate_by")
        and today > date.fromisoformat(held["activate_by"])
    ):
        state = "active" if terms["term"].get("unactivated", "starts") == "starts" else "expired"
    if state in LIFELESS:
        return refused(LIFELESS[state])
    at_window = terms.get("payment") == "at_window"
    if today.isoformat() < held["valid_from"]:
        return refused("not_yet_valid", midnight(date.fromisoformat(held["valid_from"])))
    if today.isoformat() > held["valid_until"]:
        return refused("expired")
    coverage = terms["coverage"]
    named = spot["id"] in coverage.get("spots", []) or set(spot["tags"]) & set(
        coverage.get("tags", [])
    )
    if not named or spot["id"] in coverage.get("excluded", []):
        return refused("spot_not_covered")
    if spot["closed"]:
        return refused("spot_closed")
    if not usable(terms, today):
        return refused("blackout", next_usable())

    limits = {"per_spot_day": 1, **terms.get("limits", {})}
    special = terms.get("overrides", {}).get(spot["id"])
    if special is not None:
        limits |= {
            "per_spot_day": special.get("per_spot_day", 1),
            "per_spot": special.get("per_spot"),
        }
    party = {"admits": 1, "pays": 1, **terms.get("party", {})}
    visits, places = counted(case["visits"], party["admits"])
    may_follow = places.get((spot["id"], today), 0)
    wanted = case["party"] or may_follow or party["admits"]
    follows = wanted <= may_follow
    here = [visit for visit in visits if visit["spot"] == spot["id"]]
    days = {day_of(visit["at"]) for visit in visits}
    used_up = (
        (limits.get("per_spot") is not None and len(here) >= limits["per_spot"])
        or (limits.get("total") is not None and len(visits) >= limits["total"])
        or (limits.get("days") is not None and today not in days and len(days) >= limits["days"])
    )
    here_today = [visit for visit in here if day_of(visit["at"]) == today]
    if (
        not follows
        and limits["per_spot_day"] is not None
        and len(here_today) >= limits["per_spot_day"]
    ):
        return refused("already_today", None if used_up else next_usable())
    if used_up and not follows:
        return refused("no_visits_left")
    if not follows and limits.get("minutes_between") is not None and visits:
        soonest = datetime.fromisoformat(visits[-1]["at"]) + timedelta(
            minutes=limits["minutes_between"]
        )
        if at < soonest:
            return refused("too_soon", soonest)
    if wanted > party["admits"]:
        return refused("party_too_large")
    opened = case["code"].get("opened")
    if opened and not (follows and opened == spot["id"]):
        return refused("code_spent")
    inside = party["admits"] - may_follow if follows else 0
    left = [
        limit - used - (0 if follows else 1)
        for limit, used in ((limits.get("total"), len(visits)), (limits.get("per_spot"), len(here)))
        if limit is not None
    ]
    return {
        "reason": "ok",
        "admits": wanted,
        "pays": min(party["pays"], inside + wanted) - min(party["pays"], inside)
        if at_window
        else 0,
        "visits_left": min(left, default=None),
        "check_identity": not case["code"]["rotating"],
        "admitted_from": None,
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
        made[name_] = made[name_] | value if isinstance(made[name_], dict) else value
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


def main() -> None:
    made = list(cases())
    names = [each["name"] for each in made]
    if len(set(names)) < len(names):
        raise SystemExit(f"twice: {sorted({name for name in names if names.count(name) > 1})}")
    document = {
        "version": 2,
        "about": "A scan and what is answered to it: terms, visits that count, gate, code → "
        "verdict.",
        "cases": made,
    }
    file = Path(__file__).parent / "decide.json"
    file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
