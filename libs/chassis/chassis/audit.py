"""Who did what with which result: append-only, written with the change, sealed afterwards.

Sealing chains the entries by SHA-256 in an order of its own, so that writers never wait for each
other (decision 0026). `verify` finds an entry that was changed, removed or put in between.
"""

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit_rows import keep_entry
from chassis.database import Database
from chassis.identity import Principal
from chassis.logs import request_id
from chassis.tables import AuditEntry

SEAL_ENTRIES_MAX = 1000
FIRST_SEAL = "0" * 64
_is_action = re.compile(r"[a-z_]+\.[a-z_]+").fullmatch
_ONE_SEALER = text("SELECT pg_try_advisory_xact_lock(hashtext('channelbus.audit'))")
_SEAL = text("UPDATE audit_log SET sealed_order = :sealed_order, seal = :seal WHERE id = :entry_id")


def record(
    session: AsyncSession,
    principal: Principal,
    action: str,
    subject: str,
    now: datetime,
    **detail: Any,
) -> None:
    """Append an entry; it exists if and only if the transaction commits. No secrets in `detail`.

    `action` is `subject.verb`: `order.pay`, `quota.grant`.
    """
    if not _is_action(action):
        raise ValueError(f"audit action {action!r} is not subject.verb")
    who = f"{principal.kind}:{principal.operator_id or principal.id}"
    if principal.acting_for_partner:
        who = f"{who} by partner:{principal.acting_for_partner}"
    keep_entry(
        session,
        now,
        detail,
        principal=who,
        partner_id=principal.partner_id,
        action=action,
        subject=subject,
        request_id=request_id(),
    )


def _seal(before: str, entry: AuditEntry) -> str:
    content = [
        before,
        entry.id,
        entry.at.astimezone(UTC).isoformat(),
        entry.principal,
        entry.partner_id,
        entry.action,
        entry.subject,
        entry.detail,
        entry.request_id,
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


async def seal_audit(database: Database, _now: datetime) -> None:
    """Schedule: chain what is not sealed yet; one sealer at a time."""
    async with database.transaction() as session:
        if not await session.scalar(_ONE_SEALER):
            return
        last = await session.execute(
            select(AuditEntry.sealed_order, AuditEntry.seal)
            .where(AuditEntry.sealed_order.is_not(None))
            .order_by(AuditEntry.sealed_order.desc())
            .limit(1)
        )
        order, before = last.one_or_none() or (0, FIRST_SEAL)
        open_entries = await session.scalars(
            select(AuditEntry)
            .where(AuditEntry.sealed_order.is_(None))
            .order_by(AuditEntry.id)
            .limit(SEAL_ENTRIES_MAX)
        )
        seals = []
        for entry in open_entries.all():
            order, before = (order or 0) + 1, _seal(before or FIRST_SEAL, entry)
            seals.append({"entry_id": entry.id, "sealed_order": order, "seal": before})
        if seals:
            await session.execute(_SEAL, seals)


async def verify(database: Database) -> str | None:
    """None when the chain holds; else which entry breaks it."""
    before, expected = FIRST_SEAL, 1
    async with database.transaction() as session:
        sealed = await session.stream_scalars(
            select(AuditEntry)
            .where(AuditEntry.sealed_order.is_not(None))
            .order_by(AuditEntry.sealed_order)
        )
        async for entry in sealed:
            if entry.sealed_order != expected:
                return f"entry {expected} of the chain is missing"
            if entry.seal != _seal(before, entry):
                return f"entry {entry.id} ({entry.action} {entry.subject}) was changed"
            before, expected = entry.seal, expected + 1
    return None


async def count(session: AsyncSession) -> int:
    """How many entries there are."""
    return await session.scalar(select(func.count()).select_from(AuditEntry)) or 0
