"""What reaches standard output: one JSON object a line, and no library's endless complaint."""

import json
import logging
from io import StringIO

import pytest
import structlog

from chassis import logs
from chassis.logs import REPEATED_EVERY_SECONDS, RepeatFilter


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """What a service writes that is configured as services are."""
    output = StringIO()
    monkeypatch.setattr("sys.stdout", output)
    logs.configure("tally", "INFO")
    return output


def lines(written: StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_library_that_repeats_itself_is_written_once_in_a_while_with_a_count(
    written: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: attach the filter to the logger `aiokafka`, whose children do not ask it."""
    now = 0.0
    (given,) = [
        given
        for handler in logging.getLogger().handlers
        for given in handler.filters
        if isinstance(given, RepeatFilter)
    ]
    monkeypatch.setattr(given, "_clock", lambda: now)
    fetcher = logging.getLogger("aiokafka.consumer.fetcher")
    for attempt in range(1000):
        fetcher.error("Failed fetch messages from %s: %s", attempt % 3, "NodeNotReadyError")
    fetcher.error("Failed fetch messages from nobody")  # another message
    logging.getLogger("aiokafka").error("Failed fetch messages from %s: %s", 1, "away")
    now = REPEATED_EVERY_SECONDS
    for attempt in range(2):
        fetcher.error("Failed fetch messages from %s: %s", attempt, "NodeNotReadyError")
    now = 2 * REPEATED_EVERY_SECONDS
    fetcher.error("Failed fetch messages from %s: %s", 7, "NodeNotReadyError")
    assert [(line["event"], line.get("left_out")) for line in lines(written)] == [
        ("Failed fetch messages from 0: NodeNotReadyError", None),
        ("Failed fetch messages from nobody", None),
        ("Failed fetch messages from 1: away", None),
        ("Failed fetch messages from 0: NodeNotReadyError", 999),
        ("Failed fetch messages from 7: NodeNotReadyError", 1),
    ]
    assert {line["service"] for line in lines(written)} == {"tally"}


def test_nothing_that_we_or_others_say_is_left_out(written: StringIO) -> None:
    """Break: filter whatever the handler is given."""
    for _ in range(3):
        structlog.get_logger("chassis.relay").warning("relay interrupted", error="away")
        logging.getLogger("aiokafkaesque").warning("not the library")
        logging.getLogger("uvicorn.error").error("failed")
    assert [line["event"] for line in lines(written)] == [
        "relay interrupted", "not the library", "failed",
    ] * 3  # fmt: skip
    assert not any("left_out" in line for line in lines(written))
