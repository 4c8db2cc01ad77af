"""The sandbox: a small server on loopback that speaks WeChat's own HTTP, so that the client runs
without credentials; and that of whoever vouches for carriers.

A login or phone code `sandbox:NAME` stands for the visitor NAME and may be used again; with a
suffix, as in `sandbox:NAME:1`, a code is good once, as WeChat's are. `sandbox:errcode:45011`, and a
message template `errcode:43101`, give that error, so that each can be seen.

A carrier with the token `sandbox:NUMBER` stands for the resident ID card of that number; with
`sandbox:status:503` it gets that status, and any other is not known.
"""

import base64
import json
import re
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

SANDBOX_APPID, SANDBOX_SECRET = "wx0000sandbox", "sandbox"
TOKEN_SECONDS = 7200
FORCED_TOKENS = 20

_MOST_USED_CODES = 100_000
_LONGEST_BODY = 64 * 1024
_ERRCODE = re.compile(r"-?[0-9]{1,6}")

_MESSAGES = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40013: "invalid appid",
    40029: "invalid code",
    40125: "invalid appsecret",
    40163: "code been used",
    40226: "code blocked",
    41008: "missing code",
    43101: "user refuse to accept the msg",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit  mustslower  retry next minute",
    47001: "data format error",
}


class Book:
    """What the sandbox remembers: the codes that were used, and the token it has given."""

    def __init__(self) -> None:
        """Nothing was used, no token given."""
        self._used: OrderedDict[str, None] = OrderedDict()
        self.token = ""
        self.forced = 0

    def visitor(self, kind: str, code: str) -> str | int:
        """The NAME that a code of a kind, `login` or `phone`, stands for, or the errcode that it
        gives."""
        word, _, rest = code.partition(":")
        name, _, suffix = rest.partition(":")
        if word != "sandbox" or not name:
            return 40029 if code else 41008
        if name == "errcode":
            return int(suffix) if _ERRCODE.fullmatch(suffix) else 40029
        if suffix and f"{kind} {code}" in self._used:
            return 40163
        if suffix:
            self._used[f"{kind} {code}"] = None
            if len(self._used) > _MOST_USED_CODES:
                self._used.popitem(last=False)
        return name

    def renew(self) -> None:
        """Make another token, so that the one before is not good any more."""
        self.token = secrets.token_urlsafe(64)


class Call(RequestHandler):
    """What the calls share."""

    def initialize(self) -> None:
        """Per request."""
        self.book: Book = self.application.settings["book"]

    def sent(self) -> dict[str, Any]:
        """The JSON object in the body; empty if there is none."""
        try:
            body = json.loads(self.request.body)
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}

    def give(self, **answer: object) -> None:
        """Answer as WeChat does, in JSON that is called text."""
        self.set_header("Content-Type", "text/plain")
        self.finish(json.dumps(answer))

    def refuse(self, errcode: int) -> None:
        """Answer an errcode."""
        self.give(
            errcode=errcode,
            errmsg=f"{_MESSAGES.get(errcode, 'error')}, rid: {secrets.token_hex(12)}",
        )

    def token_is_good(self) -> bool:
        """Whether the token in the query is the one given; otherwise answers so."""
        good = (
            bool(self.book.token) and self.get_query_argument("access_token", "") == self.book.token
        )
        if not good:
            self.refuse(40001)
        return good


class SignIn(Call):
    """`GET /sns/jscode2session`"""

    def get(self) -> None:
        """Answer the openid and a session key."""
        if (
            wrong := _wrong_app(
                self.get_query_argument("appid", ""), self.get_query_argument("secret", "")
            )
        ) is not None:
            return self.refuse(wrong)
        name = self.book.visitor("login", self.get_query_argument("js_code", ""))
        if isinstance(name, int):
            return self.refuse(name)
        return self.give(
            openid=openid_of(name), session_key=base64.b64encode(secrets.token_bytes(16)).decode()
        )


class StableToken(Call):
    """`POST /cgi-bin/stable_token`"""

    def post(self) -> None:
        """Answer the token that is good now, or another one if forced."""
        sent = self.sent()
        if (wrong := _wrong_app(sent.get("appid"), sent.get("secret"))) is not None:
            return self.refuse(wrong)
        forced = bool(sent.get("force_refresh"))
        if forced and self.book.forced >= FORCED_TOKENS:
            return self.refuse(45009)
        self.book.forced += forced
        if forced or not self.book.token:
            self.book.renew()
        return self.give(access_token=self.book.token, expires_in=TOKEN_SECONDS)


class PhoneNumber(Call):
    """`POST /wxa/business/getuserphonenumber`"""

    def post(self) -> None:
        """Answer the phone number of a visitor, one that nobody can have."""
        if not self.token_is_good():
            return None
        name = self.book.visitor("phone", str(self.sent().get("code", "")))
        if isinstance(name, int):
            return self.refuse(name)
        number = f"100{int(sha256(name.encode()).hexdigest(), 16) % 10**8:08}"
        return self.give(
            errcode=0, errmsg="ok", phone_info={"purePhoneNumber": number, "countryCode": "86"}
        )


class Message(Call):
    """`POST /cgi-bin/message/subscribe/send`"""

    def post(self) -> None:
        """Take a message, and send it to nobody."""
        if not self.token_is_good():
            return None
        sent = self.sent()
        if not sent.get("touser") or not isinstance(sent.get("data"), dict):
            return self.refuse(47001)
        word, _, errcode = str(sent.get("template_id", "")).partition(":")
        if word == "errcode" and _ERRCODE.fullmatch(errcode):
            return self.refuse(int(errcode))
        return self.give(errcode=0, errmsg="ok")


class ResolveCarrier(Call):
    """`POST /carriers/resolve`"""

    def post(self) -> None:
        """Answer the document for which a carrier stands, as `server.carriers` asks for it."""
        stands_for = re.fullmatch(r"sandbox:(?:status:([45][0-9]{2})|(.+))", self._token)
        if stands_for is None or stands_for[1]:
            self.set_status(int(stands_for[1]) if stands_for else 404)
            return self.give()
        return self.give(kind="resident", number=stands_for[2])

    @property
    def _token(self) -> str:
        return str(self.sent().get("token", ""))


def openid_of(name: str) -> str:
    """The openid of the visitor NAME: 28 signs, as WeChat's are."""
    return "o" + base64.urlsafe_b64encode(sha256(name.encode()).digest()).decode()[:27]


@asynccontextmanager
async def sandbox(book: Book | None = None) -> AsyncIterator[str]:
    """The address of a sandbox that runs inside this context, on a free loopback port."""
    routes = [
        ("/sns/jscode2session", SignIn),
        ("/cgi-bin/stable_token", StableToken),
        ("/wxa/business/getuserphonenumber", PhoneNumber),
        ("/cgi-bin/message/subscribe/send", Message),
        ("/carriers/resolve", ResolveCarrier),
    ]
    application = Application(routes, log_function=lambda _: None, book=book or Book())
    server = HTTPServer(application, max_body_size=_LONGEST_BODY, max_header_size=_LONGEST_BODY)
    (listening,) = bind_sockets(0, "127.0.0.1")
    server.add_socket(listening)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.stop()
        await server.close_all_connections()


def _wrong_app(appid: object, secret: object) -> int | None:
    if appid != SANDBOX_APPID:
        return 40013
    return None if secret == SANDBOX_SECRET else 40125
