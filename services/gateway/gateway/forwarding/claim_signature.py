"""A signature moves money or coupons once (docs/domain/wire-protocol.md D.4a.7, decision 0016)."""

from datetime import datetime

from sqlalchemy import delete

from chassis.database import Database
from chassis.errors import RefusedError
from chassis.failures import DatabaseAwayError
from chassis.logs import get_logger
from gateway.identity.models import UsedSignature

log = get_logger(__name__)

_CLAIM = """
    INSERT INTO used_signatures (signature, access, request_id, used_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING RETURNING signature
"""
_FIRST = "SELECT request_id FROM used_signatures WHERE signature = $1"


class RepeatedSignatureError(RefusedError):
    """The same signed request again; the detail names the first one's id."""

    code = "CHB.0001"


async def claim_signature(
    database: Database, signature: str, access: str, request_id: str, now: datetime
) -> None:
    """Take the signature before anything is done under it; committed at once.

    What then fails on the way needs a new signature too: whether it was done is not known.
    """
    async with database.alone() as connection:
        if await connection.fetchval(_CLAIM, signature, access, request_id, now) is not None:
            return
        first = await connection.fetchval(_FIRST, signature)
    raise RepeatedSignatureError(f"X-Request-Id {first}")


async def release_signature(database: Database, signature: str) -> None:
    """Let the same bytes come again: the service refused them, and nothing was done."""
    try:
        async with database.transaction() as session:
            await session.execute(delete(UsedSignature).where(UsedSignature.signature == signature))
    except DatabaseAwayError as away:  # the caller hears its refusal all the same
        log.warning("a signature stays used", error=str(away))
