"""The chassis's own tables, which every service's database has beside its own."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, Interval, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.database import COLUMN_TYPES

# What a person decides about parked events and positions: the audit log has an index of these.
DECISION_ACTIONS = (
    "action IN ('parked_event.edit', 'parked_event.replayed', 'parked_event.skipped',"
    " 'parked_event.replay_all', 'position.accept', 'position.step_over')"
)


class KitTables(DeclarativeBase):
    """Apart from the services' own tables, so that equal names cannot collide."""

    type_annotation_map = COLUMN_TYPES


class OutboxRow(KitTables):
    """An event that is committed and not yet sent."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    slot: Mapped[int]
    stream: Mapped[str]
    key: Mapped[str]
    event_id: Mapped[UUID]
    attributes: Mapped[bytes]  # the CloudEvents attributes as a JSON object
    body: Mapped[bytes]
    stated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class RelaySlot(KitTables):
    """Who may send the keys of a slot, and until when."""

    __tablename__ = "relay_slots"

    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    holder: Mapped[str | None]
    held_until: Mapped[datetime]


class RelayReplica(KitTables):
    """A relay that is alive, so that slots are shared evenly."""

    __tablename__ = "relay_replicas"

    holder: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]


class InboxRow(KitTables):
    """An event whose effects are committed: what a relay sends twice meets its id here."""

    __tablename__ = "inbox"

    consumer: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    received_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class ConsumerPosition(KitTables):
    """The next offset to consume; moved only in the transaction of the effects."""

    __tablename__ = "consumer_positions"

    consumer: Mapped[str] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(primary_key=True)
    partition: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int]
    # The id of the event before the position: a topic made again has another one there.
    last_event: Mapped[str | None]
    moved_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # All that was sent to the partition until then is consumed; none: that is not known yet.
    heard_until: Mapped[datetime | None]


class ParkedKey(KitTables):
    """A key that waits: its later events are parked behind the one that failed."""

    __tablename__ = "parked_keys"

    consumer: Mapped[str] = mapped_column(primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    parked_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ParkedEvent(KitTables):
    """An event that could not be handled, or that waits behind one, with its bytes."""

    __tablename__ = "parked_events"
    __table_args__ = (
        Index("parked_events_waiting", "consumer", "stream", "key", "id",
              postgresql_where=text("state = 'waiting'")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    consumer: Mapped[str]
    stream: Mapped[str]
    key: Mapped[str]
    partition: Mapped[int]
    position: Mapped[int]
    event_id: Mapped[str | None]
    event_type: Mapped[str | None]
    headers: Mapped[dict[str, Any]]  # header → text, undecodable bytes escaped
    body: Mapped[bytes]
    original_body: Mapped[bytes | None]  # what arrived, when a person edited it
    error: Mapped[str | None]  # none: it only waits behind another
    attempts: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="waiting")  # waiting | replayed | skipped
    parked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]  # to Kafka: since then the key's copies are stale
    # Whose it is, where it can be read or its header says so.
    partner_id: Mapped[str | None]
    distributor_id: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    decision: Mapped[str | None]  # the reason given for skipping or editing


class Restatement(KitTables):
    """An owner's aggregates being stated again, and how far that is."""

    __tablename__ = "restatements"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    aggregate: Mapped[str]
    requested_at: Mapped[datetime]
    after: Mapped[str]  # the last aggregate's id of the portions done
    done: Mapped[int]
    total: Mapped[int]
    finished_at: Mapped[datetime | None]


class Rebuild(KitTables):
    """A rebuild of this service's copies, with all that is needed to go on after a kill."""

    __tablename__ = "rebuilds"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    # What no owner has stated since then is not there any more.
    began_at: Mapped[datetime] = mapped_column(server_default=func.now())
    asked: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))  # owner → ids
    changes: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))  # as it counts
    finished_at: Mapped[datetime | None]


class BusinessTime(KitTables):
    """How far business time was moved ahead of the wall; one row at most (decision 0094)."""

    __tablename__ = "business_time"

    is_only: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    ahead: Mapped[timedelta] = mapped_column(Interval)
    reached: Mapped[datetime]  # it never falls behind this
    stands: Mapped[bool]  # a step is under way: it is `reached` until that has ended


class IdempotencyKey(KitTables):
    """An answer already given, for a request that comes again (Stripe's contract)."""

    __tablename__ = "idempotency_keys"

    principal: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    status: Mapped[int | None]
    body: Mapped[bytes | None]
    headers: Mapped[dict[str, Any] | None]  # Location, ETag; none: of a version before
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class AuditEntry(KitTables):
    """Who did what with which result; chained by hash afterwards (decision 0026)."""

    __tablename__ = "audit_log"
    __table_args__ = (Index("audit_log_decisions", "id", postgresql_where=text(DECISION_ACTIONS)),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    principal: Mapped[str]
    partner_id: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]]
    request_id: Mapped[str]
    sealed_order: Mapped[int | None] = mapped_column(unique=True)
    seal: Mapped[str | None]  # SHA-256 over the entry and the seal before it
