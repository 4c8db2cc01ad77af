"""The hub of a spot: the API of the server, for the gates that stand there.

While there is a line the server decides, and the hub remembers. Without it the hub decides, for all
its gates from one journal, so that two turnstiles side by side do not admit one pass twice. It
knows its gates by the digests of their tokens in the bundle, and reads no token.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from tornado.httpclient import HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler, url

from handlers.admission.batch import BatchIn
from handlers.admission.gates import ScanIn
from handlers.admission.staff import HandAdmissionIn
from handlers.web.access import bearer_token
from handlers.web.arguments import read_body
from handlers.web.problems import Problem, language_of, problem_of
from handlers.web.replies import send_problem
from passes.base.errors import DomainError
from passes.base.text import Text
from scripts.gate.client import Call, Client, NoAnswer, Refused, document_of
from scripts.gate.deciding import Deciding
from scripts.gate.held import Undecided
from scripts.gate.journal import Name, NotKept, Row

_BODY_LIMIT = 512 * 1024
_RETRY_AFTER = "5"
_PASSED_ON = ("Content-Type", "ETag", "Retry-After", "Bashu-Token-Expires")
"""Headers of the server that its callers need."""

_STATUS = {
    "scan_unknown": HTTPStatus.NOT_FOUND,
    "annul_too_late": HTTPStatus.CONFLICT,
}


class AskingFor:
    """Asks the server in the name of a gate, with what the gate has sent."""

    def __init__(self, client: Client, authorization: str) -> None:
        """`authorization` is the header of the gate."""
        self._client = client
        self._headers = {"Authorization": authorization}

    async def scan(self, body: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """The verdict of the server."""
        call = Call("POST", "/gate/scans", body, self._headers, seconds)
        return document_of(await self._client.send(call))

    async def annul(self, nonce: str) -> dict[str, Any]:
        """Take an admission back."""
        call = Call("POST", f"/gate/scans/{nonce}/annul", {}, self._headers)
        return document_of(await self._client.send(call))

    async def by_hand(self, body: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Say whom staff have let in."""
        call = Call("POST", "/gate/hand-admissions", body, self._headers, seconds)
        return document_of(await self._client.send(call))


class HubHandler(RequestHandler):
    """What the addresses of the hub share."""

    def initialize(self, deciding: Deciding) -> None:
        """The one that decides, for all gates."""
        self.deciding = deciding
        self.device = deciding.device

    @property
    def authorization(self) -> str:
        """The header by which the gate says who it is."""
        return str(self.request.headers.get("Authorization", ""))

    @property
    def asking(self) -> AskingFor:
        """Asks the server in the name of the gate that calls."""
        return AskingFor(self.device.client, self.authorization)

    @property
    def gate_id(self) -> str | None:
        """The gate that calls, if the bundle has it. Raises the 401 problem without a token."""
        token = bearer_token(self.authorization)
        return self.device.held.gate_of(sha256(token.encode()).hexdigest())

    async def forward(self) -> None:
        """Let the server answer. Raises `NoAnswer`."""
        if not self.device.line.online:
            raise NoAnswer("the line is cut")
        path = self.request.uri.removeprefix("/api/v1")
        headers = {"Authorization": self.authorization}
        for name in ("If-None-Match", "Accept-Language", "Idempotency-Key"):
            if name in self.request.headers:
                headers[name] = self.request.headers[name]
        body = self.request.body if self.request.method in {"POST", "PUT"} else None
        try:
            self.pass_on(
                await self.device.client.send(Call(self.request.method, path, body, headers))
            )
        except NoAnswer as error:
            self.device.missed(error)
            raise

    def pass_on(self, reply: HTTPResponse) -> None:
        """Answer what the server has answered."""
        self.set_status(reply.code)
        for name in _PASSED_ON:
            if name in reply.headers:
                self.set_header(name, reply.headers[name])
        if reply.body:
            self.write(reply.body)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """The problem for what was raised."""
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, Refused):
            self.set_status(error.status)
            self.set_header("Content-Type", "application/problem+json")
            self.finish(json.dumps(dict(error.problem)))
            return
        problem = _problem_of(error, status_code)
        if problem.status is HTTPStatus.SERVICE_UNAVAILABLE:
            self.set_header("Retry-After", _RETRY_AFTER)
        language = language_of(self.request.headers)
        send_problem(self, problem, problem.document("hub", language))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log faults of ours alone."""
        if not isinstance(value, NoAnswer | Refused | Undecided | Problem | NotKept):
            super().log_exception(typ, value, tb)


class Scans(HubHandler):
    """`/api/v1/gate/scans`"""

    async def post(self) -> None:
        """Decide a scan, by the server or here."""
        gate_id = self.gate_id
        if gate_id is None:
            await self.forward()
            return
        read_body(self.request.body, ScanIn)
        body = json.loads(self.request.body)
        answer = await self.deciding.scan(gate_id, body, self.asking)
        self.write(answer.document)


class HandAdmissions(HubHandler):
    """`/api/v1/gate/hand-admissions`"""

    async def post(self) -> None:
        """Keep whom staff have let in."""
        gate_id = self.gate_id
        if gate_id is None:
            await self.forward()
            return
        read_body(self.request.body, HandAdmissionIn)
        body = json.loads(self.request.body)
        self.write(await self.deciding.by_hand(gate_id, body, self.asking))


class Annulments(HubHandler):
    """`/api/v1/gate/scans/{nonce}/annul`"""

    async def post(self, nonce: str) -> None:
        """Take an admission back."""
        gate_id = self.gate_id
        if gate_id is None:
            await self.forward()
            return
        self.write(await self.deciding.annul(gate_id, nonce, self.asking))


class Batches(HubHandler):
    """`/api/v1/gate/scans/batch`"""

    async def post(self) -> None:
        """Take what a gate has decided alone into the journal; it goes to the server from here."""
        gate_id = self.gate_id
        if gate_id is None:
            await self.forward()
            return
        received_at = self.device.clock.now()
        body = read_body(self.request.body, BatchIn)
        late = received_at - body.sent_at
        results = [await self._result(gate_id, item, late) for item in body.items]
        skew_ms = round(-late / timedelta(milliseconds=1))
        self.write({"received_at": received_at.isoformat(), "skew_ms": skew_ms, "items": results})

    async def _result(self, gate_id: str, item: Any, late: timedelta) -> dict[str, Any]:
        """The result of an item; one that cannot be read, or judged now, keeps nobody back."""
        nonce = item.get("nonce") if isinstance(item, dict) else None
        nothing = {"nonce": nonce, "verdict": None, "conflict": None}
        try:
            return await self._item(gate_id, item, late)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            words = {"zh": "此项有误", "en": f"this item is wrong: {type(error).__name__} {error}"}
            wrong = {"code": "item_invalid", "what": words, "errors": []}
            return {**nothing, "result": "wrong", "error": wrong}
        except (NoAnswer, Refused, Undecided, DomainError) as error:
            words = {"zh": "暂时不能处理", "en": str(error)}
            return {**nothing, "result": "later", "error": {"code": "busy", "what": words}}

    async def _item(self, gate_id: str, item: Mapping[str, Any], late: timedelta) -> dict[str, Any]:
        """The result of an item, whose instants are `late` behind the clock of the hub."""
        answered = {"nonce": item["nonce"], "verdict": None, "conflict": None, "error": None}
        kind = item.get("kind")
        if kind == "scan" and item.get("decided") is None:
            body = {name: value for name, value in item.items() if name not in _OF_AN_ITEM}
            answer = await self.deciding.scan(gate_id, body, self.asking)
            return {**answered, "result": "recorded", "verdict": answer.document}
        instant = "scanned_at" if kind == "scan" else "at"
        at = min(datetime.fromisoformat(item[instant]) + late, self.device.clock.now())
        if item.get("gate", gate_id) != gate_id:
            raise ValueError("a gate speaks for itself alone")
        name = Name(gate_id, item["nonce"])
        entry = self._entry(name, item, at)
        row = Row(
            name,
            at,
            str(kind),
            item={**item, instant: at.isoformat(), **self.deciding.gate_in(name)},
            serial=None if entry is None else entry["serial"],
            entry=entry,
        )
        await self.device.journal.taken(row)
        self.device.queued.set()
        return {**answered, "result": "recorded"}

    def _entry(self, name: Name, item: Mapping[str, Any], at: datetime) -> dict[str, Any] | None:
        """What is to be remembered of an item."""
        held = self.device.held
        if item["kind"] == "scan":
            return held.entry_of(name, item, item["decided"], at)
        return held.entry_by_hand(name, item, at) if item["kind"] == "hand" else None


class Bundles(HubHandler):
    """`/api/v1/gate/bundle`"""

    async def get(self) -> None:
        """The bundle that the hub has, as the server signed it. It holds secrets: for gates of the
        spot alone."""
        held = self.device.held
        if self.gate_id is None or held.etag is None:
            await self.forward()
            return
        self.set_header("ETag", f'"{held.etag}"')
        if held.etag in self.request.headers.get("If-None-Match", ""):
            self.set_status(HTTPStatus.NOT_MODIFIED)
            return
        have = frozenset(self.get_query_argument("have", "").split(","))
        self.set_header("Content-Type", "application/octet-stream")
        self.write(held.without(have))


class Heartbeats(HubHandler):
    """`/api/v1/gate/heartbeat`"""

    async def post(self) -> None:
        """Pass it on; without a line say that the hub is there, and what time it is."""
        try:
            await self.forward()
        except NoAnswer:
            if self.gate_id is None:
                raise
            now = self.device.clock.now().isoformat()
            self.write({"server_time": now, "bundle_etag": self.device.held.etag})


class Others(HubHandler):
    """Whatever else a gate asks: the server alone can answer."""

    async def get(self) -> None:
        """Pass it on."""
        await self.forward()

    async def post(self) -> None:
        """Pass it on."""
        await self.forward()


_OF_AN_ITEM = {"kind", "decided", "gate"}


def _problem_of(error: BaseException | None, status: int) -> Problem:
    if isinstance(error, Undecided):
        status = _STATUS.get(error.code, HTTPStatus.SERVICE_UNAVAILABLE)
        return Problem(HTTPStatus(status), error.code, error.words)
    if isinstance(error, NoAnswer):
        words = Text("网络中断", "the line is cut")
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "line_cut", words)
    if isinstance(error, NotKept):
        words = Text("汇聚点存储写入失败", "the disk of the hub takes nothing")
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "not_kept", words)
    return problem_of(error, status)


def hub_application(deciding: Deciding) -> Application:
    """The addresses of a hub."""
    hub = {"deciding": deciding}
    gate = "/api/v1/gate"
    return Application(
        [
            url(f"{gate}/scans", Scans, hub),
            url(f"{gate}/scans/batch", Batches, hub),
            url(f"{gate}/scans/([^/]+)/annul", Annulments, hub),
            url(f"{gate}/hand-admissions", HandAdmissions, hub),
            url(f"{gate}/bundle", Bundles, hub),
            url(f"{gate}/heartbeat", Heartbeats, hub),
            url(f"{gate}/.*", Others, hub),
        ]
    )


async def serve(deciding: Deciding, host: str, port: int) -> HTTPServer:
    """Serve the gates of the spot, and say where. Raises `OSError` if the address is taken."""
    sockets = bind_sockets(port, host)
    server = HTTPServer(hub_application(deciding), max_body_size=_BODY_LIMIT)
    server.add_sockets(sockets)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{sockets[0].getsockname()[1]}"
    words = Text(f"汇聚点：{address}", f"hub listening on {address}")
    deciding.device.tell("hub", words, address=address)
    return server
