"""JSON log lines with request and trace ids. Secrets and personal fields are never logged."""

import logging
import re
import secrets
import sys
import time
from collections.abc import Callable, MutableMapping
from contextlib import nullcontext
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson
import structlog

# aiokafka says the same some hundred times a second while its broker is away.
REPEATING = "aiokafka"
REPEATED_EVERY_SECONDS = 10.0

# A later version may say more behind a dash; version ff is none, nor is an id of zeros.
_is_trace_parent = re.compile(
    r"(?!ff|00.{54})[0-9a-f]{2}-(?P<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}"
    r"-(?P<flags>[0-9a-f]{2})(?:-.*)?",
    re.ASCII,
).fullmatch
_request_id: ContextVar[str] = ContextVar("request_id", default="")
_trace_parent: ContextVar[str] = ContextVar("trace_parent", default="")
_notes: ContextVar[dict[str, Any]] = ContextVar("notes")
_handler: logging.StreamHandler[TextIO] | None = None
_service = ""


def request_id() -> str:
    """The id of the request at work, empty outside one."""
    return _request_id.get()


def trace_parent() -> str:
    """The W3C `traceparent` of the work at hand, empty outside any."""
    return _trace_parent.get()


def enter_request(request: str, parent: str | None) -> None:
    """Name the work at hand (W3C Trace Context level 1).

    A caller without a trace starts one, and so does one whose `traceparent` has not its form.
    """
    _request_id.set(request)
    _notes.set({})
    known = _is_trace_parent(parent or "")
    if known:
        trace_id, flags = known["trace"], "01" if int(known["flags"], 16) & 1 else "00"
    else:
        trace_id, flags = secrets.token_hex(16), "01"
    _trace_parent.set(f"00-{trace_id}-{secrets.token_hex(8)}-{flags}")


def note(**facts: Any) -> None:
    """Add to the line that the request at work leaves in the log: who asked, what was refused."""
    _notes.get({}).update({name: fact for name, fact in facts.items() if fact is not None})


def write_request(facts: dict[str, Any], *, share: float) -> None:
    """The line of a request that is over, with what was noted; `share` of those that succeeded.

    Every service keeps or leaves out the same traces. Written past structlog, which takes twenty
    times as long.
    """
    status, trace = facts["status"], _trace_parent.get()[3:35]
    level = logging.WARNING if status >= 500 else logging.INFO
    if _handler is None or not logging.getLogger().isEnabledFor(level):
        return
    if status < 400 and int(trace[:8], 16) >= share * 2**32:
        return
    line = {
        "time": datetime.now(UTC).isoformat(),
        "level": logging.getLevelName(level).lower(),
        "event": "request",
        **facts,
        **_notes.get(),
        "request_id": _request_id.get(),
        "trace_id": trace,
        "service": _service,
    }
    text = orjson.dumps(line, default=str, option=orjson.OPT_APPEND_NEWLINE).decode()
    with _handler.lock or nullcontext():
        try:
            _handler.stream.write(text)
            _handler.flush()
        except (OSError, ValueError):  # a full disk, a closed pipe: the answer stands all the same
            _handler.handleError(logging.makeLogRecord({"msg": "request"}))


def _time_first(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    return {"time": line.pop("time", None), **line}


def _add_ids(_logger: Any, _method: str, line: dict[str, Any]) -> dict[str, Any]:
    if current := _request_id.get():
        line["request_id"] = current
    if parent := _trace_parent.get():
        line["trace_id"] = parent[3:35]
    return line


class RepeatFilter(logging.Filter):
    """Lets each message of one library through once in a while, whatever it is about.

    The next one says in `left_out` how many were not let through. Our own loggers are not touched.
    """

    def __init__(
        self,
        library: str,
        every_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ):
        super().__init__(library)
        self._every_seconds = every_seconds
        self._clock = clock
        self._told: dict[tuple[str, int, str], tuple[float, int]] = {}  # when last, left out since

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written; `record.msg` is the text before its values are put in."""
        if not super().filter(record):
            return True  # another library's
        key = (record.name, record.levelno, record.msg if isinstance(record.msg, str) else "")
        now, (told, left_out) = self._clock(), self._told.get(key, (None, 0))
        if told is not None and now - told < self._every_seconds:
            self._told[key] = (told, left_out + 1)
            return False
        self._told[key] = (now, 0)
        if left_out:
            record.left_out = left_out
        return True


def configure(service: str, level: str) -> None:
    """Send every line, also those of libraries, to standard output as one JSON object."""

    def add_service(_logger: Any, _method: str, line: dict[str, Any]) -> dict[str, Any]:
        line["service"] = service
        return line

    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
        _add_ids,
        add_service,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(["left_out"]), *shared],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _time_first,
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ],
    )
    global _handler, _service
    _service = service
    _handler = handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    handler.addFilter(RepeatFilter(REPEATING, REPEATED_EVERY_SECONDS))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in (REPEATING, "uvicorn.error", "asyncio"):
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
