"""Logs: one JSON object a line on standard error, with request ids and without secrets."""

import logging
import logging.config

import structlog
from tornado.web import RequestHandler

access = logging.getLogger("bashu.access")


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
                        structlog.processors.JSONRenderer(ensure_ascii=False),
                    ],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {"pymongo": {"level": "WARNING"}, "asyncio": {"level": "WARNING"}},
        }
    )


def log_request(handler: RequestHandler) -> None:
    """One line a request. The query is left out: it may hold what a visitor searches for."""
    status = handler.get_status()
    access.log(
        logging.ERROR if status >= 500 else logging.INFO,
        "request",
        extra={
            "method": handler.request.method,
            "path": handler.request.path,
            "status": status,
            "ms": round(handler.request.request_time() * 1000, 1),
            "request_id": getattr(handler, "request_id", None),
        },
    )
