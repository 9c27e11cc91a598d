"""Sweeps of an upstream's customers, and the requests that they may send."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from customer_sync.models import Tables

RUNNING, FINISHED, FAILED = "running", "finished", "failed"
# requests within any second, over all replicas (docs/domain/wire-protocol.md D.5)
UPSTREAM_SLOTS = 10


class Sweep(Tables):
    """One pass over an upstream's customers, with all that is needed to go on after a kill."""

    __tablename__ = "sweeps"
    __table_args__ = (
        Index("sweeps_running", "partner_id", unique=True,
              postgresql_where=text("status = 'running'")),
        Index("sweeps_by_number", "partner_id", "number", unique=True),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    number: Mapped[int]
    status: Mapped[str]
    phase: Mapped[str]  # then: missing
    resellers: Mapped[list[Any] | None]  # a distributor's, asked at the start; none asked yet
    scope: Mapped[int]  # 0: own customers; n: those of the n-th reseller
    cursor: Mapped[int]  # the first record not read yet, in the scope
    upstream_count: Mapped[int | None]  # as the upstream last said of the scope
    pages_done: Mapped[int]
    steps_back: Mapped[int]  # windows that did not touch what was read before
    customers_seen: Mapped[int]
    customers_changed: Mapped[int]
    requests_made: Mapped[int]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    holder: Mapped[str | None]  # the replica that works on it
    held_until: Mapped[datetime | None]
    version: Mapped[int]


class Sighting(Tables):
    """In which sweep a mirrored customer was last seen; apart from its wide, indexed row."""

    __tablename__ = "sightings"

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    sweep_number: Mapped[int]


class UpstreamSlot(Tables):
    """The right to have one request under way at the upstream, and to have had one just now."""

    __tablename__ = "upstream_slots"

    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    free_at: Mapped[datetime]
