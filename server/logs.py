"""Logs: one JSON object a line on standard error, with request ids and without secrets.

Nothing that a caller has sent stands in a line, but the method and the path of a request that is
well formed, and an id that may be one.
"""

import logging
import logging.config
import re
from collections.abc import MutableMapping
from typing import Any

import structlog
from tornado.web import RequestHandler

access = logging.getLogger("bashu.access")

_MALFORMED = "Malformed HTTP message from %s: %s"
"""How Tornado tells of a request that it cannot read, with the part that it cannot read: a token
with a control character behind it, say."""
_REASONS = (
    "Invalid header name",
    "Invalid header value",
    "no colon in header line",
    "first header line cannot start with whitespace",
    "Missing Host header",
    "Multiple host headers not allowed",
    "Invalid Host header",
    "Invalid query string",
    "Malformed HTTP request line",
    "Unexpected HTTP version",
    "Multiple unequal Content-Lengths",
    "Only integer Content-Length is allowed",
    "Content-Length too long",
    "Message with both Transfer-Encoding and Content-Length",
    "Unsupported Transfer-Encoding",
    "invalid chunk size",
    "improperly terminated chunk",
    "chunked body too large",
)
"""The reasons that Tornado gives, up to what they cite; of another one nothing is told."""
_TOKEN = re.compile(r"(?i:bearer)\s+[^\s'\"]+|eyJ[\w-]+\.[\w-]+\.[\w-]*")


def _without_citations(record: logging.LogRecord) -> bool:
    """Say where a malformed request came from and what is wrong, not what it was."""
    if record.msg == _MALFORMED and isinstance(record.args, tuple):
        address, reason = record.args
        record.args = (address, _known(str(reason)))
    return True


def _known(reason: str) -> str:
    for known in _REASONS:
        if reason.startswith(known):
            return known
    return "for another reason"


def _without_tokens(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask whatever looks like a token, for libraries may cite one in a message or traceback."""
    for name in ("event", "exception"):
        if isinstance(event.get(name), str):
            event[name] = _TOKEN.sub("[token]", event[name])
    return event


def configure_logs(level: str) -> None:
    """Send every log of the process, those of libraries too, through structlog as JSON lines."""
    shared = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        structlog.processors.format_exc_info,
                        _without_tokens,
                        structlog.processors.JSONRenderer(ensure_ascii=False),
                    ],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": level},
            "filters": {"citations": {"()": lambda: _without_citations}},
            "loggers": {
                "tornado.general": {"filters": ["citations"]},
                "pymongo": {"level": "WARNING"},
                "asyncio": {"level": "WARNING"},
            },
        }
    )


def log_request(handler: RequestHandler) -> None:
    """One line a request. The query is left out: it may hold what a visitor searches for."""
    status = handler.get_status()
    method = handler.request.method
    if method not in handler.SUPPORTED_METHODS:
        method = "unknown"
    access.log(
        logging.ERROR if status >= 500 else logging.INFO,
        "request",
        extra={
            "method": method,
            "path": handler.request.path,
            "status": status,
            "ms": round(handler.request.request_time() * 1000, 1),
            "request_id": getattr(handler, "request_id", None),
        },
    )
