"""How audit entries reach their table: by an insert that reads nothing back."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.at_commit import keep

AUDITED = "audited"


def keep_entry(
    session: AsyncSession,
    at: datetime,
    detail: dict[str, Any],
    *,
    principal: str,
    partner_id: str,
    action: str,
    subject: str,
    request_id: str,
) -> None:
    """Have it written with the transaction (`chassis.write_kept`)."""
    row = (at, principal, partner_id, action, subject, json.dumps(detail), request_id)
    keep(session, AUDITED, [row])
