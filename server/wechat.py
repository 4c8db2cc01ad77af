"""WeChat: what its server API knows of visitors, and messages to them.

WeChat answers HTTP 200 with an `errcode`; what a mini-program can do something about becomes an
error of its own. Nothing that is secret or personal is logged: not the request, and of an answer
only `errcode`, and `rid`, by which WeChat's support finds a call.
"""

import asyncio
import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from passes.base.calendar import business_day
from passes.base.errors import Conflict, DomainError, Forbidden, Invalid, TooOften, Unavailable
from passes.base.text import Text
from passes.people.app_tokens import AppToken
from passes.people.phones import e164
from passes.people.ports import AppTokens
from passes.people.sealing import Vault

log = logging.getLogger(__name__)

CONNECT_SECONDS, REQUEST_SECONDS = 3.0, 5.0
LEASE = timedelta(seconds=15)
"""How long a process may take to fetch a token before another one tries."""

FORCED_A_DAY = 20
"""How many tokens WeChat gives in a day before the one before has ended."""

FORCED_APART = timedelta(seconds=30)
"""How soon WeChat gives another token by force."""

LONGEST_TOKEN_SECONDS = 7200

_EARLY = timedelta(minutes=5)
_POLL_SECONDS, _POLLS = 0.1, 160
_BUSY_PAUSE_SECONDS = 0.2
_CALLS_AT_ONCE = 100
_TOO_OFTEN_SECONDS = 60

_BUSY = -1
_NO_CODE = 41008
_STALE_TOKEN = {40001, 40014, 42001}

Answer = dict[str, Any]
Errors = Mapping[int, Callable[[], DomainError]]


class WeChat:
    """The client of one mini-program."""

    def __init__(
        self,
        url: str,
        appid: str,
        secret: str,
        tokens: AppTokens,
        vault: Vault,
        now: Callable[[], datetime],
    ) -> None:
        """`url` is `https://api.weixin.qq.com`, or that of a sandbox; the token of the app is
        shared by `tokens`."""
        self._url = url
        self._appid = appid
        self._secret = secret
        self._tokens = tokens
        self._vault = vault
        self._now = now
        self._client = AsyncHTTPClient(force_instance=True, max_clients=_CALLS_AT_ONCE)

    async def sign_in(self, js_code: str) -> str:
        """The openid behind a login code, which is good once. The session key that comes with it is
        dropped.

        Raises `Invalid` for a wrong code, `Conflict` for one used before, `Forbidden` for a blocked
        account, `TooOften`, `Unavailable`.
        """
        asked = {
            "appid": self._appid,
            "secret": self._secret,
            "js_code": js_code,
            "grant_type": "authorization_code",
        }
        answer = await self._patiently(f"/sns/jscode2session?{urlencode(asked)}", None)
        return self._part(answer, _LOGIN, "openid")

    async def phone_number(self, code: str) -> str:
        """The phone number behind the code of the phone number button, with its country
        (`passes.people.phones`). Raises as `sign_in` does."""
        answer = await self._with_token("/wxa/business/getuserphonenumber", {"code": code})
        number = self._part(answer, _PHONE, "phone_info", "purePhoneNumber")
        # A number in one page of WeChat's documents, and a text in another.
        country_code = self._any_part(answer, _PHONE, "phone_info", "countryCode")
        try:
            return e164(str(country_code), number)
        except ValueError:
            raise _unavailable("no phone number with its country") from None

    async def notify(
        self, openid: str, template_id: str, data: Mapping[str, str], page: str | None = None
    ) -> None:
        """Send a subscribed message. Raises `Conflict` if the visitor has not agreed to it,
        `Unavailable`."""
        message: Answer = {"touser": openid, "template_id": template_id}
        message["data"] = {name: {"value": value} for name, value in data.items()}
        if page is not None:
            message["page"] = page
        self._part(await self._with_token("/cgi-bin/message/subscribe/send", message), _MESSAGE)

    async def _with_token(self, path: str, body: Answer) -> Answer:
        """The answer to a call that needs the token of the app; should that not be good any more,
        with the next."""
        held = await self._token()
        answer = await self._patiently(f"{path}?{self._query(held)}", body)
        if answer.get("errcode") not in _STALE_TOKEN:
            return answer
        return await self._patiently(
            f"{path}?{self._query(await self._token(not_number=held.number))}", body
        )

    def _query(self, held: AppToken) -> str:
        token = self._vault.open(held.token, self._purpose) if held.token else ""
        return urlencode({"access_token": token})

    @property
    def _purpose(self) -> str:
        return f"app token {self._appid}"

    async def _token(self, not_number: int | None = None) -> AppToken:
        """The token of the app, other than one that WeChat does not take any more."""
        for _ in range(_POLLS):
            held, now = await self._tokens.get(self._appid), self._now()
            forced = held.number == not_number
            if held.ends_at is not None and now < held.ends_at - _EARLY and not forced:
                return held
            if held.leased_until is None or now >= held.leased_until:
                leased = replace(held, leased_until=now + LEASE)
                if await self._tokens.replace(self._appid, held, leased):
                    return await self._fetched_or_freed(leased, forced=forced)
            await asyncio.sleep(_POLL_SECONDS)
        raise _unavailable("no token")

    async def _fetched_or_freed(self, leased: AppToken, *, forced: bool) -> AppToken:
        """The next token; if it cannot be had, the lease is given back."""
        try:
            return await self._fetched(leased, forced=forced)
        except Exception:
            await self._tokens.replace(self._appid, leased, replace(leased, leased_until=None))
            raise

    async def _fetched(self, leased: AppToken, *, forced: bool) -> AppToken:
        """The next token, stored, which ends the lease. Raises `Unavailable`, also when too many
        were forced today."""
        today = business_day(self._now())
        count = (leased.forced if leased.forced_on == today else 0) + forced
        if (
            forced
            and leased.forced_at is not None
            and self._now() < leased.forced_at + FORCED_APART
        ):
            raise _unavailable("a token was forced a moment ago")
        if count > FORCED_A_DAY:
            raise _unavailable("forced tokens of today are used up")
        asked = {"grant_type": "client_credential", "appid": self._appid, "secret": self._secret}
        answer = await self._patiently("/cgi-bin/stable_token", {**asked, "force_refresh": forced})
        token = self._part(answer, {}, "access_token")
        after = AppToken(
            number=leased.number + 1,
            token=self._vault.seal(token, self._purpose),
            ends_at=self._now() + _life(answer),
            forced_on=today,
            forced=count,
            forced_at=self._now() if forced else leased.forced_at,
        )
        await self._tokens.replace(self._appid, leased, after)
        return after

    async def _patiently(self, path: str, body: Answer | None) -> Answer:
        """The answer to a call, which is made once more if WeChat says that it was too busy to take
        it."""
        answer = await self._call(path, body)
        if answer.get("errcode") == _BUSY:
            await asyncio.sleep(_BUSY_PAUSE_SECONDS)
            answer = await self._call(path, body)
        return answer

    async def _call(self, path: str, body: Answer | None) -> Answer:
        """One call, never repeated by itself: a code that has reached WeChat is spent. Raises
        `Unavailable`."""
        try:
            response = await self._client.fetch(
                self._url + path,
                method="GET" if body is None else "POST",
                body=None if body is None else json.dumps(body, ensure_ascii=False),
                headers={"Content-Type": "application/json"} if body is not None else {},
                connect_timeout=CONNECT_SECONDS,
                request_timeout=REQUEST_SECONDS,
                follow_redirects=False,
            )
            answer = json.loads(response.body)
        except (HTTPClientError, OSError, ValueError, RecursionError) as error:
            raise _unavailable(
                f"{type(error).__name__} {getattr(error, 'code', '')}".strip()
            ) from None
        if not isinstance(answer, dict) or not isinstance(answer.get("errcode", 0), int):
            raise _unavailable("no JSON object as it should be")
        if answer.get("errcode"):
            rid = re.search(r"rid: ([\w-]+)", str(answer.get("errmsg")))
            log.warning(
                "WeChat refused: errcode %s, rid %s", answer["errcode"], rid[1] if rid else None
            )
        return answer

    def _part(self, answer: Answer, errors: Errors, *names: str) -> str:
        """A text in an answer. Raises the error that the errcode stands for, `Unavailable` if there
        is none."""
        part = self._any_part(answer, errors, *names)
        if names and not (isinstance(part, str) and part):
            raise _unavailable(f"no {names[-1]}")
        return str(part)

    def _any_part(self, answer: Answer, errors: Errors, *names: str) -> Any:
        """What stands there in an answer, or None. Raises the error that the errcode stands for."""
        errcode = answer.get("errcode", 0)
        if errcode:
            raise {**_COMMON, **errors}.get(errcode, lambda: _unavailable(f"errcode {errcode}"))()
        part: Any = answer
        for name in names:
            part = part.get(name) if isinstance(part, dict) else None
        return part


def _life(answer: Answer) -> timedelta:
    """How long a token is good. Raises `Unavailable` for what cannot be."""
    seconds = answer.get("expires_in")
    if not isinstance(seconds, int) or not 0 < seconds <= LONGEST_TOKEN_SECONDS:
        raise _unavailable("no expires_in as it should be")
    return timedelta(seconds=seconds)


def _unavailable(why: str) -> Unavailable:
    log.warning("WeChat cannot be asked: %s", why)
    return Unavailable(
        "wechat_unavailable",
        Text("微信暂时无法连接，请稍后重试", "WeChat does not answer; try again"),
    )


def _code_errors(kind: str, of: Text) -> Errors:
    def invalid() -> DomainError:
        return Invalid(
            f"{kind}_code_invalid",
            Text(f"{of.zh}无效，请重试", f"this {of.en} is not valid; get another"),
        )

    def used() -> DomainError:
        return Conflict(
            f"{kind}_code_used",
            Text(f"{of.zh}已使用，请重试", f"this {of.en} was used; get another"),
        )

    return {40029: invalid, _NO_CODE: invalid, 40163: used}


_LOGIN = _code_errors("login", Text("登录凭证", "login code"))
_PHONE = _code_errors("phone", Text("手机号凭证", "phone code"))
_MESSAGE: Errors = {
    43101: lambda: Conflict(
        "message_unwanted", Text("用户未订阅此消息", "the visitor has not agreed to such messages")
    ),
}
_COMMON: Errors = {
    _BUSY: lambda: Unavailable(
        "wechat_busy", Text("微信系统繁忙，请稍后重试", "WeChat is busy; try again")
    ),
    40226: lambda: Forbidden(
        "visitor_blocked", Text("微信账户存在风险，无法登录", "WeChat has blocked this account")
    ),
    45011: lambda: TooOften(
        "wechat_too_often",
        Text("操作过于频繁，请稍后再试", "too many calls; try again later"),
        _TOO_OFTEN_SECONDS,
    ),
}
