"""Services: what handlers call, as Protocols where `server` implements it.

The rooms of the domain, the catalogue, and what belongs to the web alone: tokens, rate limits,
WeChat. How they are made is in `server.app`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from handlers.catalogue.day_view import DayViews
from handlers.web.access import Caller, Origin, TokenPair
from handlers.web.in_flight import InFlight
from passes.admission.gates import Gate
from passes.people.visitors import Session, Visitor
from passes.rooms import Rooms
from scenic_data.catalogue import Catalogue


class TokenService(Protocol):
    """Issues and reads bearer tokens."""

    def for_gate(self, gate: Gate, now: datetime) -> str:
        """The token that an enrolled gate keeps."""

    def for_session(self, session: Session, visitor: Visitor, now: datetime) -> TokenPair:
        """The tokens of a visitor's session."""

    def read(self, token: str, audiences: frozenset[str], now: datetime) -> Caller:
        """Who holds this token. Raises the 401 problem."""


class CallLimiter(Protocol):
    """Limits the rate of calls."""

    def check(self, name: str, caller: Caller, origin: Origin, now: datetime) -> None:
        """Count a call against the limits of that name. Raises `TooOften` if it is one too many."""


class WeChatService(Protocol):
    """What WeChat knows of visitors. Raises domain errors that tell them what to do."""

    async def sign_in(self, js_code: str) -> str:
        """The openid behind a login code (WeChat: `code2Session`)."""

    async def phone_number(self, code: str) -> str:
        """The phone number behind the code of the phone number button (`getPhoneNumber`), with its
        country: `+8613800000000`."""


class QuotaCounts(Protocol):
    """How much of the quotas of the running offers is used, as it was a few seconds ago."""

    @property
    def counts(self) -> Mapping[str, int]:
        """By the keys of `passes.offers.quotas.counted`: the same object until it changes."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a handler may call.

    In the `sandbox` no visitor is real. `now` is the clock, `refresh` loads at once what other
    processes changed, `ping` raises `Unavailable` when the database does not answer.
    """

    rooms: Rooms
    catalogue: Catalogue
    day_views: DayViews
    quota_counts: QuotaCounts
    tokens: TokenService
    limits: CallLimiter
    wechat: WeChatService
    sandbox: bool
    privacy_version: str
    now: Callable[[], datetime]
    refresh: Callable[[], Awaitable[None]]
    ping: Callable[[], Awaitable[None]]
    in_flight: InFlight = field(default_factory=InFlight)
