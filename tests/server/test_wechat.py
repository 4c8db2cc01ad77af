"""The client of WeChat over real sockets: against the sandbox, and servers that misbehave."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from passes.base.errors import Conflict, DomainError, Forbidden, Invalid, TooOften, Unavailable
from passes.people.app_tokens import AppToken
from passes.store.people import AppTokenStore
from server import wechat
from server.mongo import Mongo
from server.sandbox import SANDBOX_APPID, SANDBOX_SECRET, Book, PhoneNumber, openid_of, sandbox
from server.wechat import FORCED_A_DAY, FORCED_APART, LEASE, WeChat
from tests.support.build import VAULT
from tests.support.waiting import until
from tests.support.world import Clock

Client = Callable[..., WeChat]


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def url(io_loop: IOLoop, book: Book) -> Iterator[str]:
    running = sandbox(book)
    yield io_loop.run_sync(running.__aenter__)
    io_loop.run_sync(lambda: running.__aexit__(None, None, None))


@pytest.fixture
def client(mongo: Mongo, url: str, clock: Clock) -> Client:
    def make(url: str = url, secret: str = SANDBOX_SECRET) -> WeChat:
        return WeChat(url, SANDBOX_APPID, secret, AppTokenStore(mongo), VAULT, clock)

    return make


async def refusal(call: Any) -> DomainError:
    with pytest.raises(DomainError) as refused:
        await call
    return refused.value


async def test_a_login_code_becomes_an_openid_and_is_good_once(client: Client) -> None:
    assert await client().sign_in("sandbox:甲:1") == openid_of("甲")
    refused = await refusal(client().sign_in("sandbox:甲:1"))
    assert refused.code == "login_code_used"
    phone = await client().phone_number("sandbox:甲:1")
    assert phone == await client().phone_number("sandbox:甲"), "other codes"
    refused = await refusal(client().phone_number("sandbox:甲:1"))
    assert refused.code == "phone_code_used"


@pytest.mark.parametrize(
    ("country_code", "number"),
    [("852", "+85201234567"), (852, "+85201234567"), ("+86", "+8601234567"), (None, None)],
)
async def test_a_phone_number_comes_with_its_country(
    client: Client, monkeypatch: pytest.MonkeyPatch, country_code: object, number: str | None
) -> None:
    info = {"purePhoneNumber": "01234567", "countryCode": country_code}
    monkeypatch.setattr(
        PhoneNumber, "post", lambda call: call.give(errcode=0, errmsg="ok", phone_info=info)
    )
    if number is None:
        assert (await refusal(client().phone_number("any"))).code == "wechat_unavailable"
    else:
        assert await client().phone_number("any") == number


ERRORS: list[tuple[int, type[DomainError], str]] = [
    (40029, Invalid, "{what}_code_invalid"),
    (40163, Conflict, "{what}_code_used"),
    (45011, TooOften, "wechat_too_often"),
    (40226, Forbidden, "visitor_blocked"),
    (-1, Unavailable, "wechat_busy"),
    (48001, Unavailable, "wechat_unavailable"),
]
"""What WeChat answers, and which error that is: `what` is a login or a phone number."""


@pytest.mark.parametrize(("errcode", "kind", "code"), ERRORS)
async def test_what_wechat_says_is_told_apart(
    client: Client, errcode: int, kind: type[DomainError], code: str
) -> None:
    for what, call in (("login", client().sign_in), ("phone", client().phone_number)):
        error = await refusal(call(f"sandbox:errcode:{errcode}"))
        assert type(error) is kind
        assert error.code == code.format(what=what)


async def test_a_message_is_sent_to_those_who_want_it(client: Client) -> None:
    await client().notify("openid", "template", {"thing1": "峨眉山"}, "pages/pass")
    error = await refusal(client().notify("openid", "errcode:43101", {}))
    assert type(error) is Conflict
    assert error.code == "message_unwanted"


async def test_one_token_serves_all_who_ask_at_once(
    client: Client, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[None] = []
    renew = book.renew
    monkeypatch.setattr(book, "renew", lambda: made.append(renew()))
    first, second = client(), client()
    await asyncio.gather(
        *(each.phone_number("sandbox:甲") for each in (first, second) for _ in range(4))
    )
    await client().phone_number("sandbox:甲")
    assert len(made) == 1


async def test_a_token_is_fetched_anew_before_it_ends(
    client: Client, clock: Clock, mongo: Mongo
) -> None:
    await client().phone_number("sandbox:甲")
    store = AppTokenStore(mongo)
    first = await store.get(SANDBOX_APPID)
    clock.time += timedelta(hours=1, minutes=54)
    await client().phone_number("sandbox:甲")
    still = await store.get(SANDBOX_APPID)
    assert still.number == first.number
    clock.time += timedelta(minutes=2)
    await client().phone_number("sandbox:甲")
    anew = await store.get(SANDBOX_APPID)
    assert anew.number == first.number + 1


async def test_a_token_that_wechat_takes_no_more_is_forced_20_times_a_day(
    client: Client, book: Book, clock: Clock, mongo: Mongo
) -> None:
    store = AppTokenStore(mongo)
    await client().phone_number("sandbox:甲")
    for n in range(FORCED_A_DAY):
        book.renew()
        clock.time += FORCED_APART
        await asyncio.gather(*(client().phone_number("sandbox:甲") for _ in range(3)))
        token = await store.get(SANDBOX_APPID)
        assert token.forced == n + 1
        if n == 0:
            book.renew()
            so_soon = await refusal(client().phone_number("sandbox:甲"))
            assert so_soon.code == "wechat_unavailable"
    book.renew()
    clock.time += FORCED_APART
    once_more = await refusal(client().phone_number("sandbox:甲"))
    assert once_more.code == "wechat_unavailable"
    book.forced = 0
    clock.time += timedelta(days=1)
    assert await client().phone_number("sandbox:甲")
    token = await store.get(SANDBOX_APPID)
    assert token.forced <= 1


async def test_a_process_that_died_with_the_lease_holds_nobody_up_for_long(
    client: Client, clock: Clock, mongo: Mongo, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = AppTokenStore(mongo)
    before = await store.get(SANDBOX_APPID)
    dead = type(before)(leased_until=clock() + LEASE)
    assert await store.replace(SANDBOX_APPID, before, dead)
    looked: list[str] = []
    get = AppTokenStore.get

    async def counted(self: AppTokenStore, appid: str) -> AppToken:
        looked.append(appid)
        return await get(self, appid)

    async def has_looked_thrice() -> bool:
        return len(looked) >= 3

    monkeypatch.setattr(AppTokenStore, "get", counted)
    waiting = asyncio.ensure_future(client().phone_number("sandbox:甲"))
    await until(has_looked_thrice, "it looks again and again whether the lease is over")
    assert not waiting.done()
    clock.time += LEASE
    assert await waiting
    stored = await store.replace(SANDBOX_APPID, dead, dead)
    assert not stored, "what the dead process would have stored is not"


async def test_a_failed_fetch_gives_the_lease_back(client: Client) -> None:
    failed = await refusal(client(secret="wrong").phone_number("sandbox:甲"))
    assert failed.code == "wechat_unavailable"
    assert await client().phone_number("sandbox:甲")


async def test_the_token_is_not_stored_in_the_clear(
    client: Client, book: Book, mongo: Mongo
) -> None:
    await client().phone_number("sandbox:甲")
    (stored,) = await mongo.collection("app_tokens").find({})
    assert book.token
    assert book.token not in str(stored)


class Misbehaving(RequestHandler):
    """Answers as no WeChat does, or not at all."""

    calls = 0
    contents: ClassVar = {"html": "<html>", "list": "[1]", "object": '{"openid": 5}'}

    def initialize(self) -> None:
        self.hung_up = asyncio.Event()

    def on_connection_close(self) -> None:
        self.hung_up.set()

    async def get(self) -> None:
        type(self).calls += 1
        what = self.get_query_argument("js_code")
        if what == "slow":
            await self.hung_up.wait()
            return
        if what == "moved":
            self.redirect("/sns/jscode2session?js_code=object")
            return
        if what == "status":
            self.set_status(500)
        self.finish(self.contents.get(what, "{}"))


@pytest.fixture
def misbehaving(io_loop: IOLoop) -> Iterator[str]:
    server = HTTPServer(Application([("/.*", Misbehaving)], log_function=lambda _: None))
    (listening,) = bind_sockets(0, "127.0.0.1")
    server.add_socket(listening)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.stop()
    io_loop.run_sync(server.close_all_connections)


@pytest.mark.parametrize("how", ["slow", "status", "moved", "html", "list", "object", "empty"])
async def test_a_server_that_misbehaves_is_asked_once(
    client: Client, misbehaving: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login code that has reached WeChat may be spent, so nothing is sent twice."""
    monkeypatch.setattr(wechat, "REQUEST_SECONDS", 0.3)
    before = Misbehaving.calls
    refused = await refusal(client(misbehaving).sign_in(how))
    assert refused.code == "wechat_unavailable"
    assert Misbehaving.calls == before + 1


async def test_nothing_secret_or_personal_is_logged(
    client: Client, book: Book, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    openid = await client().sign_in("sandbox:秘密:s1")
    phone = await client().phone_number("sandbox:秘密:s2")
    nowhere = client("http://127.0.0.1:1", "s3cret")
    for call in (client().sign_in, client().phone_number, nowhere.sign_in):
        for code in ("sandbox:秘密:s1", "sandbox:秘密:s2", "sandbox:errcode:45011"):
            with suppress(DomainError):
                await call(code)
    logged = "\n".join(f"{record.getMessage()} {record.exc_info}" for record in caplog.records)
    assert "errcode 40163, rid" in logged, "what is needed to ask WeChat about it"
    for secret in (openid, phone, book.token, "秘密", "%E7%A7%98", ":s1", "s3cret", "session_key"):
        assert secret not in logged, secret
