"""What the feed shows, for its description: a page is written from stored bytes."""

from datetime import datetime
from typing import Any

from pydantic import Field

from wire.native import NativeAnswer


class EventAnswer(NativeAnswer):
    """A CloudEvents 1.0 event. An erased one has `tombstone` in place of its data."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    dataschema: str
    sequence: str
    partnerid: str
    datacontenttype: str = "application/json"
    data: dict[str, Any] = Field({}, description="as docs/feed-partner.json and -customer.json say")
    tombstone: bool = False


class WithheldAnswer(NativeAnswer):
    """A key of which events wait for an operator."""

    stream: str
    key: str | None
    since: datetime
    events: int


class EventsAnswer(NativeAnswer):
    """A page of the feed; `next` goes into `after`, also when `has_more` is false."""

    events: list[EventAnswer]
    next: str
    has_more: bool
    as_of: datetime | None
    withheld: list[WithheldAnswer]
