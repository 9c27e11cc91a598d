"""A Kafka record and the event in it."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from chassis.sentences import Told, ToldError, of_error, sentence, together
from contracts.event import Event

KEY_BYTES_MAX = 512  # escaped, a byte takes four; PostgreSQL's index takes 2,700
KEY_BYTES_KEPT = 64


class BadMessageError(ToldError):
    """The bytes are no event of the contract that their headers name."""


@dataclass(frozen=True, slots=True)
class Message:
    """A record as it arrived; `event` is read when its type is one the consumer acts on."""

    topic: str
    partition: int
    position: int
    key: str
    headers: Mapping[str, str | None]  # of two with one name the last counts, as in Kafka's clients
    body: bytes
    sent_at_seconds: float

    @property
    def event_type(self) -> str | None:
        """The event's type, if the message says one."""
        return self.headers.get("ce_type")

    @property
    def event_id(self) -> str | None:
        """The event's id, if the message says one."""
        return self.headers.get("ce_id")

    def read(self, contracts: Mapping[str, type[Event]]) -> Event | None:
        """The event, or None when its type is not one of `contracts`.

        Newer minor versions are accepted: fields not known here are ignored.

        Raises:
            BadMessageError: a header is missing, or the body breaks the contract.

        """
        if self.event_type is None:
            raise BadMessageError(sentence("type_header"))
        contract = contracts.get(self.event_type)
        if contract is None:
            return None
        schema = self.headers.get("ce_dataschema") or contract.VERSION
        if schema.rpartition("/")[2].split(".")[0] != contract.VERSION.split(".")[0]:
            raise BadMessageError(sentence("version", self.event_type, schema))
        try:
            event = contract.model_validate_json(self.body)
            identified = {"event_id": UUID(self.event_id or ""), "restated": self.is_restated}
        except Exception as error:
            # Whatever the reader stumbles over, it is in the bytes: the same again would not help.
            raise BadMessageError(self._breach(error)) from error
        event.__dict__.update(identified)  # from the headers; the body does not repeat them
        return event

    def _breach(self, error: Exception) -> Told:
        if isinstance(error, ValueError) and not isinstance(error, ValidationError):
            return sentence("id_header")
        return together([sentence("contract", self.event_type or ""), of_error(error)])

    @property
    def is_restated(self) -> bool:
        """Whether an owner states an aggregate again."""
        return self.headers.get("ce_restated") == "true"


def message_of(record: Any) -> Message:
    """Read a record of aiokafka; whatever its bytes are, this does not fail."""
    return Message(
        topic=record.topic,
        partition=record.partition,
        position=record.offset,
        key=_key(record.key) if record.key else f"{record.partition}@{record.offset}",
        headers={
            _text(name.encode("utf-8", "backslashreplace")): _text(value)
            if value is not None
            else None
            for name, value in record.headers
        },
        body=record.value or b"",
        sent_at_seconds=_sent_at(record.timestamp),
    )


def _sent_at(timestamp_ms: int) -> float:
    """As the producer says; without a time, or from the future: as old as our knowledge of it."""
    now = time.time()
    return min(timestamp_ms / 1000, now) if timestamp_ms > 0 else now


def _key(value: bytes) -> str:
    """Short enough for an index; a longer one is told from others by its hash."""
    if len(value) > KEY_BYTES_MAX:
        beginning = value[:KEY_BYTES_KEPT]
        return f"{_text(beginning)}… sha256:{hashlib.sha256(value).hexdigest()}"
    return _text(value)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")
