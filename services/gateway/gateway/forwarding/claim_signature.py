"""A signature moves money or coupons once (docs/domain/wire-protocol.md D.4a.7, decision 0016)."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from chassis.database import Database
from chassis.errors import RefusedError
from gateway.identity.models import UsedSignature


class RepeatedSignatureError(RefusedError):
    """The same signed request again; the detail names the first one's id."""

    code = "CHB.0001"


async def claim_signature(
    database: Database, signature: str, access: str, request_id: str, now: datetime
) -> None:
    """Take the signature before anything is done under it; committed at once.

    What then fails on the way needs a new signature too: whether it was done is not known.
    """
    row = {"signature": signature, "access": access, "request_id": request_id, "used_at": now}
    table = UsedSignature
    async with database.transaction() as session:
        taken = await session.execute(
            insert(table).values(row).on_conflict_do_nothing().returning(table.signature)
        )
        if taken.first() is not None:
            return
        first = await session.scalar(select(table.request_id).where(table.signature == signature))
    raise RepeatedSignatureError(f"X-Request-Id {first}")
