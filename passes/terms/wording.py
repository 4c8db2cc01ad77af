"""The wording of terms: what a holder has to know (使用须知), in sentences made from an edition.

Each rule gives the sentences about one thing, none if the terms do not speak of it; `RULES` has
them in the order in which a ticket clerk would tell them. A rule says what the gate does, so it
changes with `passes.admission.rules`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import groupby

from passes.base.text import Text
from passes.terms.edition import Edition
from passes.terms.phrases import (
    ANYONE,
    clauses_of,
    group_words,
    listed,
    often,
    on_day,
    on_days,
    several,
    spots,
    yuan,
)
from passes.terms.prices import Benefit, BenefitKind, Payment
from passes.terms.spot_withdrawals import SpotWithdrawal
from passes.terms.terms import Holders, Limits, Pool, Terms
from passes.terms.validity import Starts, Term, Unactivated

MAY_RESCIND = Text(
    "您可凭付款凭证向售票单位退票，剩余天数的票款退还付款方",
    "you may give the pass back to whoever sold it; the price of the days that are left is refunded"
    " to whoever paid",
)
"""What a holder is told whose time card loses a spot."""

Rule = Callable[[Edition], Iterable[Text]]


def validity(edition: Edition) -> Iterable[Text]:
    """For how long it can be used."""
    term = edition.terms.term
    if term.dates is not None:
        days = on_days(term.dates)
        yield Text(f"{days.zh}有效", f"it is valid {days.en}")
        return
    span, since = _span(term), _begin(edition)
    zh = f"自{since.zh}起{span.zh}内有效"
    en = f"it is valid for {span.en}, beginning with {since.en}"
    if edition.offer:
        # No voucher outlives its offer, whose last day is not in its terms.
        zh, en = f"{zh}，最晚至活动结束日", f"{en}, at most to the last day of the offer"
    yield Text(zh, en)


def activation(edition: Edition) -> Iterable[Text]:
    """Until when its holder has to activate it, and what follows if nobody does."""
    term = edition.terms.term
    if term.activate_within is None:
        return
    issue = _issue(edition)
    within = several(term.activate_within, "day")
    yield Text(
        f"请在{issue.zh}后{term.activate_within}天内激活",
        f"activate it within {within} after the day of {issue.en}",
    )
    if term.unactivated is Unactivated.LAPSES:
        yield Text("逾期未激活的，自动作废", "if it is not activated in time, it lapses")
    else:
        yield Text(
            "逾期未激活的，自期满次日起自动生效",
            "if it is not activated in time, it starts by itself on the next day",
        )


def first_visit(edition: Edition) -> Iterable[Text]:
    """Until when the first visit has to be, for one that starts with it."""
    term = edition.terms.term
    if term.starts is not Starts.FIRST_VISIT or term.start_within is None:
        return
    ready = _ready(edition)
    within = several(term.start_within, "day")
    yield Text(
        f"首次入园须在{ready.zh}后{term.start_within}天内，逾期作废",
        f"the first visit has to be within {within} after the day of {ready.en}, or it lapses",
    )


def pauses(edition: Edition) -> Iterable[Text]:
    """For how long it may be paused."""
    days = edition.terms.term.pause_days
    if days:
        yield Text(
            f"冻结期间有效期顺延，累计最多{days}天",
            f"while it is frozen its validity is prolonged, by {several(days, 'day')} at most",
        )


def prolonged(edition: Edition) -> Iterable[Text]:
    """By how many days amendments have prolonged it."""
    days = edition.extended_by
    if days:
        yield Text(
            f"有效期已统一延长{days}天",
            f"its validity has been prolonged by {several(days, 'day')}",
        )


def where(edition: Edition) -> Iterable[Text]:
    """At how many spots it admits."""
    number = spots(len(edition.spots))
    yield Text(f"适用于{number.zh}", f"it is good at {number.en}")


def spot_withdrawals(edition: Edition) -> Iterable[Text]:
    """Which of its spots leave it, and when."""
    for each in edition.spot_withdrawals:
        if not each.spots.isdisjoint(edition.spots):
            yield leaves(each)


def leaves(withdrawal: SpotWithdrawal) -> Text:
    """That a spot leaves, and what that means for who holds a pass, as a clause."""
    name, day = withdrawal.name, on_day(withdrawal.start)
    if withdrawal.ends:
        return Text(
            f"{name.zh}自{day.zh}起退出，此后不能入园，此前售出的票也不例外",
            f"{name.en} leaves on {day.en}; from then on it does not admit there, whenever the"
            " pass was sold",
        )
    return Text(
        f"{name.zh}自{day.zh}起退出，此前售出的票在有效期内仍可入园",
        f"{name.en} leaves on {day.en}; passes that were sold before go on admitting there",
    )


def limits(edition: Edition) -> Iterable[Text]:
    """How often it admits."""
    yield from _limits_at_a_spot(edition.terms)
    yield from _limits_in_all(edition.terms.limits)
    if _unlimited(edition):
        yield Text("入园次数不限", "the number of visits is not limited")


def overrides(edition: Edition) -> Iterable[Text]:
    """The limits that are others at some spots; spots with the same ones are told together."""
    by_limits: dict[tuple[tuple[str, int | None], ...], list[str]] = {}
    for spot_id, special in edition.terms.overrides.items():
        if spot_id in edition.spots and special:
            by_limits.setdefault(tuple(sorted(special.items())), []).append(spot_id)
    for named, spot_ids in by_limits.items():
        clauses = [_limit_at_a_spot(name, value) for name, value in named]
        yield _at(edition, spot_ids, listed(clauses, "，"))


def pools(edition: Edition) -> Iterable[Text]:
    """The limits that some spots share."""
    for pool in edition.terms.pools:
        shared = pool.spots & edition.spots
        if shared:
            yield _pool(pool, spots(len(shared)))


def days_and_hours(edition: Edition) -> Iterable[Text]:
    """On which days and at which hours it admits anywhere."""
    yield from clauses_of(edition.terms.times)


def days_and_hours_at_some_spots(edition: Edition) -> Iterable[Text]:
    """Days and hours that hold at some spots alone."""
    for each in edition.terms.at:
        here = each.spots & edition.spots
        if here:
            for clause in clauses_of(each.times):
                yield _at(edition, here, clause)


def re_entry(edition: Edition) -> Iterable[Text]:
    """Whether people who left may come back."""
    if edition.terms.re_entry:
        yield Text(
            "出园登记后，当天可再次入园，不另计次数",
            "whoever leaves through a gate may come back on the same day without another visit",
        )


def party(edition: Edition) -> Iterable[Text]:
    """How many people come in on one visit. A voucher says so with its benefit."""
    if edition.terms.benefits is not None or edition.benefit is not None:
        return
    admits, pays = edition.terms.party.admits, edition.terms.party.pays
    if admits == 1:
        yield Text("每次限1人入园", "each visit admits 1 person")
        return
    zh, en = f"每次最多{admits}人入园", f"each visit admits up to {admits} people"
    if edition.terms.payment is Payment.AT_WINDOW and pays:
        zh, en = f"{zh}，其中{pays}人须购票", f"{en} for the price of {pays}"
    yield Text(zh, en)


def benefits(edition: Edition) -> Iterable[Text]:
    """What a voucher is worth: everywhere, and at the spots where that differs."""
    everywhere = edition.terms.benefits
    if everywhere is None:
        if edition.benefit is not None:
            yield _benefit(edition.benefit)
        return
    default = str(everywhere.default)
    yield _benefit(default)
    for benefit, spot_ids in _spots_by_benefit(edition, everywhere.by_spot, default):
        yield _at(edition, spot_ids, _benefit(benefit))


def payment(edition: Edition) -> Iterable[Text]:
    """Where and what is paid."""
    terms = edition.terms
    if terms.payment is Payment.PAID:
        yield Text("入园时无需另行购票", "no ticket has to be bought at the spot")
        return
    if not _somebody_pays(edition):
        yield Text("入园免票", "entry is free")
        return
    yield Text(
        "须购票的，请先到售票窗口付款再入园", "whoever has to pay does so at the ticket window"
    )
    if terms.benefits is None and terms.party.each_fen is not None:
        each = yuan(terms.party.each_fen)
        yield Text(f"购票者每人{each}元", f"each of those who pay pays {each} yuan")
    if terms.benefits is not None and terms.benefits.catalogue_prices:
        yield Text("优惠按景区公布的门票价格计算", "it is taken off the ticket price of the spot")


def daily_places(edition: Edition) -> Iterable[Text]:
    """How many visits a day a campaign has at one spot."""
    places = edition.terms.visits_per_spot_day
    if places is not None:
        yield Text(
            f"每个景区（点）每天共{places}个名额，用完即止",
            f"each spot has {several(places, 'place')} a day for all vouchers together",
        )


def holders(edition: Edition) -> Iterable[Text]:
    """Who may hold it."""
    allowed = edition.terms.holders
    age = _age(allowed)
    if age is not None:
        yield Text(
            f"限{age.zh}人士持有，年龄以{_issue(edition).zh}当日为准",
            f"it is for people {age.en} on the day of {_issue(edition).en}",
        )
    if allowed.groups and ANYONE not in allowed.groups:
        groups = listed([group_words(each) for each in sorted(allowed.groups)], "或", "or")
        yield Text(f"限{groups.zh}持有", f"it is for {groups.en}")


RULES: tuple[Rule, ...] = (
    validity,
    activation,
    first_visit,
    pauses,
    prolonged,
    where,
    spot_withdrawals,
    limits,
    overrides,
    pools,
    days_and_hours,
    days_and_hours_at_some_spots,
    daily_places,
    party,
    benefits,
    payment,
    re_entry,
    holders,
)


def rules_of(edition: Edition) -> tuple[Text, ...]:
    """What a holder of a published edition has to know, a sentence each, with its amendments."""
    return sentences(clause for rule in RULES for clause in rule(edition))


def sentences(clauses: Iterable[Text]) -> tuple[Text, ...]:
    """Clauses as sentences, with a full stop, and a capital in English."""
    return tuple(Text(f"{each.zh}。", f"{each.en[0].upper()}{each.en[1:]}.") for each in clauses)


def _span(term: Term) -> Text:
    """Years, months and days, added up."""
    parts = []
    for count, zh, en in (
        (term.years, "年", "year"),
        (term.months, "个月", "month"),
        (term.days, "天", "day"),
    ):
        if count:
            parts.append(Text(f"{count}{zh}", several(count, en)))
    return listed(parts, "零")


def _begin(edition: Edition) -> Text:
    """What begins the days of its term."""
    ready, starts = _ready(edition), edition.terms.term.starts
    if starts is Starts.FIRST_VISIT:
        return Text("首次入园当日", "the day of the first visit")
    first = Text(f"{ready.zh}当日", f"the day of {ready.en}")
    if starts is Starts.NEXT_DAY:
        first = Text(f"{ready.zh}次日", f"the day after {ready.en}")
    if edition.offer:
        return first
    # Whoever issues a pass may agree on another first day with its holder.
    return Text(f"{first.zh}（或约定日期）", f"{first.en} or an agreed day")


def _ready(edition: Edition) -> Text:
    """What makes it usable: its activation if it has to be activated, else its issue."""
    if edition.terms.term.activate_within is not None:
        return Text("激活", "activation")
    return _issue(edition)


def _issue(edition: Edition) -> Text:
    """How it came to its holder."""
    if edition.offer:
        return Text("领取", "the claim")
    return Text("出票", "issue")


def _limits_at_a_spot(terms: Terms) -> Iterable[Text]:
    limits = terms.limits
    if not _day_needs_no_words(terms) and limits.per_spot_day is not None:
        yield _at_each_spot(_limit_at_a_spot("per_spot_day", limits.per_spot_day))
    if limits.per_spot is not None:
        yield _at_each_spot(_limit_at_a_spot("per_spot", limits.per_spot))


def _at_each_spot(clause: Text) -> Text:
    return Text(f"每个景区（点）{clause.zh}", f"{clause.en} at each spot")


def _day_needs_no_words(terms: Terms) -> bool:
    """Whether another limit makes that of a day needless; overrides may lift the other one."""
    limits = terms.limits
    if _says_as_much(limits.total, limits.per_spot_day):
        return True
    return _says_as_much(limits.per_spot, limits.per_spot_day) and not terms.overrides


def _says_as_much(wider: int | None, daily: int | None) -> bool:
    """Whether a limit for longer than a day makes that of a day needless."""
    return wider is not None and wider == daily


def _limits_in_all(limits: Limits) -> Iterable[Text]:
    if limits.total is not None:
        yield Text(f"累计限入园{limits.total}次", f"it admits {often(limits.total)} in all")
    if limits.days is not None:
        yield Text(
            f"累计限在{limits.days}天内入园，同一天多次入园按1天计",
            f"it admits on {several(limits.days, 'day')} in all, which need not follow one another",
        )
    if limits.minutes_between is not None:
        minutes = limits.minutes_between
        yield Text(
            f"两次入园须间隔{minutes}分钟以上",
            f"at least {several(minutes, 'minute')} must lie between two visits",
        )
    if limits.per_month is not None:
        yield Text(
            f"每月限入园{limits.per_month}次，自生效日起按月计",
            f"it admits {often(limits.per_month)} in each month from its first day on",
        )
    if limits.per_year is not None:
        yield Text(
            f"每年限入园{limits.per_year}次，自生效日起按年计",
            f"it admits {often(limits.per_year)} in each year from its first day on",
        )


def _unlimited(edition: Edition) -> bool:
    """Whether nothing limits visits: the time between two of them does not."""
    limits = edition.terms.limits
    counted = (
        limits.per_spot_day,
        limits.per_spot,
        limits.total,
        limits.days,
        limits.per_month,
        limits.per_year,
    )
    without_limit = all(limit is None for limit in counted)
    return without_limit and not edition.terms.overrides and not edition.terms.pools


def _limit_at_a_spot(name: str, value: int | None) -> Text:
    """A limit of one spot; without a value it has none."""
    period = Text("有效期内", "in all")
    if name == "per_spot_day":
        period = Text("每天", "a day")
    if value is None:
        return Text(f"{period.zh}入园次数不限", f"it admits any number of times {period.en}")
    return Text(f"{period.zh}限入园{value}次", f"it admits {often(value)} {period.en}")


def _pool(pool: Pool, shared: Text) -> Text:
    zh, en = f"指定的{shared.zh}", f"among {shared.en} named for this"
    if pool.different is not None and pool.visits is not None:
        return Text(
            f"{zh}中任选{pool.different}个，合计限入园{pool.visits}次",
            f"{en} it admits at any {pool.different}, {often(pool.visits)} in all",
        )
    if pool.different is not None:
        return Text(f"{zh}中任选{pool.different}个入园", f"{en} it admits at any {pool.different}")
    return Text(
        f"{zh}合计限入园{pool.visits}次", f"{en} it admits {often(pool.visits or 0)} in all"
    )


def _at(edition: Edition, spot_ids: Collection[str], clause: Text) -> Text:
    """A clause that holds at some spots; if they are all there are, as it is."""
    if len(spot_ids) == len(edition.spots):
        return clause
    some = len(spot_ids)
    return Text(f"其中{spots(some).zh}：{clause.zh}", f"at {some} of the spots {clause.en}")


def _spots_by_benefit(
    edition: Edition, by_spot: Mapping[str, Benefit], default: str
) -> Iterable[tuple[str, list[str]]]:
    """The benefits that are not the usual one, each with its spots, in order of their names."""
    others = []
    for spot_id, benefit in by_spot.items():
        if spot_id in edition.spots and str(benefit) != default:
            others.append((str(benefit), spot_id))
    for name, found in groupby(sorted(others), key=lambda pair: pair[0]):
        yield name, [spot_id for _, spot_id in found]


def _benefit(name: str) -> Text:
    """What a benefit is worth, by its stored name: `percent:50` is half price."""
    kind, _, percent = name.partition(":")
    match BenefitKind(kind):
        case BenefitKind.FREE:
            return Text("凭本券免票入园", "entry is free with the voucher")
        case BenefitKind.BUY_ONE_GET_ONE:
            return Text(
                "凭本券购票享买一送一，2人入园只需1人购票",
                "the voucher gives one ticket free with one that is bought: 2 people come in and 1"
                " pays",
            )
        case BenefitKind.PERCENT:
            # 50 off is 5折, 15 off is 8.5折: the Chinese figure is what remains to be paid.
            tenths = (100 - int(percent)) / 10
            return Text(
                f"凭本券购票享{tenths:g}折优惠",
                f"the voucher takes {percent} percent off the ticket price",
            )


def _somebody_pays(edition: Edition) -> bool:
    everywhere = edition.terms.benefits
    if everywhere is None:
        return edition.terms.party.pays > 0
    worth = [everywhere.default, *everywhere.by_spot.values()]
    return any(each.kind is not BenefitKind.FREE for each in worth)


def _age(allowed: Holders) -> Text | None:
    first, last = allowed.from_age, allowed.to_age
    if first is not None and last is not None:
        return Text(f"{first}至{last}周岁", f"from {first} to {last} years of age")
    if first is not None:
        return Text(f"年满{first}周岁的", f"of {first} years or more")
    if last is not None:
        return Text(f"{last}周岁及以下的", f"of {last} years or less")
    return None
