"""Verdicts: what a gate is told, why, and the words for it.

The words are in Chinese and English for a screen, and a few in Chinese for the loudspeaker.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from passes.base.calendar import SHANGHAI
from passes.base.text import Text
from passes.terms.free_entry import CATEGORY_NAMES


class Reason(StrEnum):
    """Why a scan was admitted or refused. Stable: gates and reports key on them."""

    OK = "ok"
    CODE_MALFORMED = "code_malformed"
    CODE_FORGED = "code_forged"
    CODE_STALE = "code_stale"
    CODE_STATIC = "code_static"
    CODE_SPENT = "code_spent"
    CODE_UNKNOWN = "code_unknown"
    REVOKED = "revoked"
    FROZEN = "frozen"
    FROZEN_BY_STAFF = "frozen_by_staff"
    REFUNDED = "refunded"
    NOT_ACTIVATED = "not_activated"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    NOT_IN_FORCE = "not_in_force"
    """What a gate without a line knows of a pass that admits nowhere, and not why."""
    PAY_AT_WINDOW = "pay_at_window"
    SPOT_NOT_COVERED = "spot_not_covered"
    SPOT_WITHDRAWN = "spot_withdrawn"
    SPOT_CLOSED = "spot_closed"
    ENTRY_STOPPED = "entry_stopped"
    EMERGENCY = "emergency"
    BLACKOUT = "blackout"
    OUTSIDE_HOURS = "outside_hours"
    ALREADY_TODAY = "already_today"
    NO_VISITS_LEFT = "no_visits_left"
    TOO_SOON = "too_soon"
    QUOTA_USED_UP = "quota_used_up"
    REPEAT = "repeat"
    CHECK_IDENTITY = "check_identity"
    PARTY_TOO_LARGE = "party_too_large"
    GATE_DISABLED = "gate_disabled"
    NO_PASS = "no_pass"  # noqa: S105 - a reason
    CARRIER_UNAVAILABLE = "carrier_unavailable"
    CARRIER_UNKNOWN = "carrier_unknown"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a scan.

    `admits` people may pass and `pays` of them pay now, together `amount_fen` if that is known.
    `visits_left` counts after this visit; None is unlimited. A refusal that time alone lifts says
    from when (`admitted_from`).
    """

    reason: Reason
    decided_at: datetime
    admits: int = 0
    pays: int = 0
    visits_left: int | None = None
    check_identity: bool = False
    admitted_from: datetime | None = None
    leaving: bool = False
    amount_fen: int | None = None
    paying: bool = False
    """Whether they pay at a window now, and come in at another gate."""
    category: str | None = None
    """The category in which the holder enters free by law, if they do."""
    free: Mapping[str, int] = field(default_factory=dict, hash=False)
    """How many of those who may pass enter free by law, by category; the holder among them."""

    @property
    def counted(self) -> int:
        """How many of those who may pass do so by the right of the pass."""
        return self.admits - sum(self.free.values())

    @property
    def granted(self) -> bool:
        """Whether what was asked for is granted: to come in, to leave, or to pay."""
        return self.reason is Reason.OK

    @property
    def admitted(self) -> bool:
        """Whether the gate opens."""
        return self.granted and not self.paying

    @property
    def message(self) -> Text:
        """What happened and the nearest remedy, for a screen."""
        if self.leaving:
            return Text("再见，欢迎再来", "Goodbye, come again")
        if self.granted and self.paying:
            return _PAID if self.category is None else _NOTHING_TO_PAY
        words = _WORDS[self.reason]
        if self.granted and self.free:
            return _with_free(words, self.free)
        if "{when}" not in words.zh:
            return Text(words.zh, words.en)
        if self.admitted_from is None:
            return _with_staff_as_remedy(words)
        when = _when(self.admitted_from)
        return Text(words.zh.format(when=when.zh), words.en.format(when=when.en))

    @property
    def speak(self) -> str:
        """A few Chinese words for the loudspeaker."""
        if self.leaving:
            return "欢迎再来"
        looks = self.admitted and self.check_identity
        if self.granted and self.pays:
            to_be_paid = _to_be_paid(self.pays, self.amount_fen)
            return f"核对证件，{to_be_paid}" if looks else to_be_paid
        if looks:
            return "请核对证件"
        return _WORDS[self.reason].speak


NEWEST_REFUSALS = 8
"""How many refusals are stored on a pass itself."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused scan: who asked, and what was answered. Of the code only a digest is kept.

    `pass_id` is None when the code could not be read or trusted.
    """

    gate_id: str
    nonce: str
    spot_id: str
    pass_id: str | None
    code_digest: str
    scanned_at: datetime
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class _ReasonWords:
    """What a reason is called. In `zh` and `en`, `{when}` is the instant that lifts a refusal."""

    zh: str
    en: str
    speak: str


def words_of(reason: Reason) -> Mapping[str, str]:
    """What a gate that decides alone shows and says for a reason: `zh`, `en` and `speak`; and,
    where waiting may help, `zh_when` and `en_when`, in which `{when}` is the instant."""
    words = _WORDS[reason]
    message = Verdict(reason, datetime.min.replace(tzinfo=UTC)).message
    told = {"zh": message.zh, "en": message.en, "speak": words.speak}
    if "{when}" in words.zh:
        told |= {"zh_when": words.zh, "en_when": words.en}
    return told


def _with_staff_as_remedy(words: _ReasonWords) -> Text:
    """What happened, without the remedy that names an instant: there is none that would do."""
    happened_zh, _, _ = words.zh.partition("，")
    happened_en, _, _ = words.en.partition(";")
    return Text(f"{happened_zh}，{_STAFF[0]}", f"{happened_en}; {_STAFF[1]}")


def _with_free(words: _ReasonWords, free: Mapping[str, int]) -> Text:
    """Welcome, with those whose documents staff look at, for they enter free by law."""
    zh = "、".join(f"{CATEGORY_NAMES[each].zh}{number}人" for each, number in free.items())
    en = ", ".join(f"{number} × {CATEGORY_NAMES[each].en}" for each, number in free.items())
    return Text(f"{words.zh}（依法免票：{zh}）", f"{words.en} (free by law: {en})")


def _to_be_paid(people: int, amount_fen: int | None) -> str:
    if amount_fen is None:
        return f"请收{people}人票款"
    return f"请收{amount_fen / 100:g}元"


def _when(instant: datetime) -> Text:
    """An instant on the clock of the gate, to the next whole minute: whoever comes then is not too
    early. The time of day is left out at midnight."""
    local = instant.astimezone(SHANGHAI)
    whole_minute = local.replace(second=0, microsecond=0)
    if whole_minute < local:
        local = whole_minute + timedelta(minutes=1)
    zh, en = f"{local.year}年{local.month}月{local.day}日", f"{local:%Y-%m-%d}"
    if (local.hour, local.minute) == (0, 0):
        return Text(zh, en)
    return Text(f"{zh} {local:%H:%M}", f"{en} {local:%H:%M}")


_PAID = Text("已付款，请由闸机入园", "Paid; please go in through a gate")
_NOTHING_TO_PAY = Text("依法免票，请由闸机入园", "Free by law; please go in through a gate")
_STAFF = ("请联系工作人员", "please ask the staff")

_WORDS = {
    Reason.OK: _ReasonWords("欢迎入园", "Welcome", "欢迎光临"),
    Reason.CODE_MALFORMED: _ReasonWords(
        "未能识别，请重新扫码；如仍无法识别，请出示巴蜀通入园码并检查扫码器设置",
        "This was not read as a Bashu Pass code; scan again, show the code of the pass, and check"
        " the settings of the scanner",
        "请重新扫码",
    ),
    Reason.CODE_FORGED: _ReasonWords(
        f"无效的入园码，{_STAFF[0]}", f"This code is not genuine; {_STAFF[1]}", "无效码"
    ),
    Reason.CODE_STALE: _ReasonWords(
        "入园码已过期，请打开小程序出示实时码，截图无效",
        "This code is out of date; open the mini-program and show the live code, not a screenshot",
        "请刷新入园码",
    ),
    Reason.CODE_STATIC: _ReasonWords(
        "纸质码请走人工通道",
        "Printed codes are checked by staff; please use a staffed gate",
        "请走人工通道",
    ),
    Reason.CODE_SPENT: _ReasonWords(
        "此码已用过，请刷新入园码再出示",
        "This code has been used; please show a fresh one",
        "请刷新入园码",
    ),
    Reason.CODE_UNKNOWN: _ReasonWords(
        f"查无此票，{_STAFF[0]}", f"No such pass was issued; {_STAFF[1]}", "查无此票"
    ),
    Reason.REVOKED: _ReasonWords(
        f"此票已作废，{_STAFF[0]}", f"This pass has been revoked; {_STAFF[1]}", "此票已作废"
    ),
    Reason.FROZEN: _ReasonWords(
        "此票已挂失，请在小程序中解挂后再来",
        "This pass is frozen; unfreeze it in the mini-program and come again",
        "此票已挂失",
    ),
    Reason.FROZEN_BY_STAFF: _ReasonWords(
        f"此票已被工作人员冻结，{_STAFF[0]}",
        f"This pass was frozen by staff; {_STAFF[1]}",
        "此票已冻结",
    ),
    Reason.REFUNDED: _ReasonWords(
        "此票已退款", "This pass has been refunded; please buy a new one", "此票已退款"
    ),
    Reason.NOT_ACTIVATED: _ReasonWords(
        "此票尚未激活，请先在小程序中激活",
        "This pass is not active; activate it in the mini-program",
        "请先激活",
    ),
    Reason.NOT_IN_FORCE: _ReasonWords(
        "此票现在不能使用，请到售票窗口",
        "This pass cannot be used now; please go to the ticket window",
        "此票不能使用",
    ),
    Reason.NOT_YET_VALID: _ReasonWords(
        "此票尚未生效，可于{when}起入园", "Not valid yet; valid from {when}", "尚未生效"
    ),
    Reason.EXPIRED: _ReasonWords(
        "此票已过期，请购买新票", "This pass has expired; please buy a new one", "此票已过期"
    ),
    Reason.PAY_AT_WINDOW: _ReasonWords(
        "请到售票窗口付款后入园", "Please pay and enter at the ticket window", "请到窗口付款"
    ),
    Reason.SPOT_NOT_COVERED: _ReasonWords(
        "此票不含本景区，请到售票窗口购票",
        "This spot is not on your pass; tickets are sold at the window",
        "不含本景区",
    ),
    Reason.SPOT_WITHDRAWN: _ReasonWords(
        "本景区已退出此票，请到售票窗口购票；退票请联系售票单位",
        "This spot has left the pass; tickets are sold at the window, and whoever sold the pass"
        " says whether it can be given back",
        "景区已退出",
    ),
    Reason.SPOT_CLOSED: _ReasonWords(
        "景区暂停开放，可于{when}再来", "This spot is closed; welcome from {when}", "景区未开放"
    ),
    Reason.EMERGENCY: _ReasonWords(
        "紧急情况，闸门已开放，请听从工作人员指引离开",
        "Emergency: the gates are open; please leave as the staff say",
        "请有序离开",
    ),
    Reason.ENTRY_STOPPED: _ReasonWords(
        "本景区暂停入园，可于{when}再来",
        "Nobody is let in here at present; welcome from {when}",
        "暂停入园",
    ),
    Reason.BLACKOUT: _ReasonWords(
        "今日不可用，可于{when}入园", "Not valid today; valid again from {when}", "今日不可用"
    ),
    Reason.OUTSIDE_HOURS: _ReasonWords(
        "此票现在不能入园，可于{when}入园",
        "This pass does not admit at this hour; welcome from {when}",
        "时段不符",
    ),
    Reason.ALREADY_TODAY: _ReasonWords(
        "今日已入园，可于{when}再来",
        "Already admitted today; welcome again from {when}",
        "今日已入园",
    ),
    Reason.NO_VISITS_LEFT: _ReasonWords(
        "入园次数已用完，请到售票窗口购票",
        "No visits are left; tickets are sold at the window",
        "次数已用完",
    ),
    Reason.QUOTA_USED_UP: _ReasonWords(
        "本景区今日的优惠名额已满，请改日再来",
        "All of today's places of this offer are taken here; please come on another day",
        "今日名额已满",
    ),
    Reason.TOO_SOON: _ReasonWords(
        "间隔时间未到，可于{when}入园",
        "Too soon after the last visit; welcome from {when}",
        "请稍后再来",
    ),
    Reason.REPEAT: _ReasonWords("已放行，请通过", "Already let in; please go through", "请通过"),
    Reason.CHECK_IDENTITY: _ReasonWords(
        "首次使用须核验本人证件，请走人工通道",
        "Staff have to see your ID card once; please use a staffed gate",
        "请走人工通道",
    ),
    Reason.PARTY_TOO_LARGE: _ReasonWords(
        "人数超出此票许可，请减少同行人数",
        "More people than the pass admits; please reduce the party",
        "人数超限",
    ),
    Reason.GATE_DISABLED: _ReasonWords(
        "此通道已停用，请走其他通道", "This gate is out of service; please use another", "通道停用"
    ),
    Reason.NO_PASS: _ReasonWords(
        "此证件在本景区没有可用的巴蜀通电子票，请出示门票或到售票窗口购票",
        "This card has no Bashu Pass that opens this spot; show your ticket, or buy one at the"
        " window",
        "请出示门票",
    ),
    Reason.CARRIER_UNAVAILABLE: _ReasonWords(
        "电子证照暂时无法核验，请出示入园码",
        "This carrier cannot be checked now; please show the code of the pass",
        "请出示入园码",
    ),
    Reason.CARRIER_UNKNOWN: _ReasonWords(
        "无法识别此电子证照，请刷新后重新出示，或出示入园码",
        "This carrier is not known to its provider; show a fresh one, or the code of the pass",
        "请出示入园码",
    ),
    Reason.ERROR: _ReasonWords(
        f"核验失败，{_STAFF[0]}", f"The check failed; {_STAFF[1]}", "核验失败"
    ),
}
