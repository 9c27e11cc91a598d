"""How audit entries reach their table: by an insert that reads nothing back."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from chassis.at_commit import keep, kept

_AUDITED = "audited"
_INSERT = text("""
    INSERT INTO audit_log (at, principal, partner_id, action, subject, detail, request_id)
    VALUES (:at, :principal, :partner_id, :action, :subject, CAST(:detail AS jsonb), :request_id)
""")


def keep_entry(session: AsyncSession, at: datetime, detail: dict[str, Any], **entry: str) -> None:
    """Have it written with the transaction."""
    keep(session, _AUDITED, [{**entry, "at": at, "detail": json.dumps(detail)}])


def write_audited(session: Session) -> None:
    """Insert what was kept."""
    if rows := kept(session, _AUDITED):
        session.execute(_INSERT, rows)
