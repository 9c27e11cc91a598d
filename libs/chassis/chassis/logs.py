"""JSON log lines with request and trace ids. Secrets and personal fields are never logged."""

import logging
import secrets
import sys
from contextvars import ContextVar
from typing import Any

import structlog

_request_id: ContextVar[str] = ContextVar("request_id", default="")
_trace_parent: ContextVar[str] = ContextVar("trace_parent", default="")


def request_id() -> str:
    """The id of the request at work, empty outside one."""
    return _request_id.get()


def trace_parent() -> str:
    """The W3C `traceparent` of the work at hand, empty outside any."""
    return _trace_parent.get()


def enter_request(request: str, parent: str | None) -> None:
    """Name the work at hand; a caller without a trace starts one (W3C Trace Context level 1)."""
    _request_id.set(request)
    if parent and len(parent) == 55:
        trace_id, flags = parent[3:35], parent[53:]
    else:
        trace_id, flags = secrets.token_hex(16), "01"
    _trace_parent.set(f"00-{trace_id}-{secrets.token_hex(8)}-{flags}")


def _add_ids(_logger: Any, _method: str, line: dict[str, Any]) -> dict[str, Any]:
    if current := _request_id.get():
        line["request_id"] = current
    if parent := _trace_parent.get():
        line["trace_id"] = parent[3:35]
    return line


def configure(service: str, level: str) -> None:
    """Send every line, also those of libraries, to standard output as one JSON object."""

    def add_service(_logger: Any, _method: str, line: dict[str, Any]) -> dict[str, Any]:
        line["service"] = service
        return line

    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _add_ids,
        add_service,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("aiokafka", "uvicorn.error", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger whose keyword arguments become fields of the line."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger
