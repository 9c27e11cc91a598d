"""Ask for the roles of operators that were kept before roles were: partner states them again."""

from sqlalchemy import select

from chassis.database import Database
from chassis.errors import OutsideError
from chassis.identity import Principal
from chassis.logs import get_logger
from chassis.sideways import Sideways
from gateway.identity.models import Operator

log = get_logger(__name__)

_WHO = Principal(id="gateway", kind="administrator", partner_id="*", caller="gateway")


async def complete_roles(database: Database, sideways: Sideways, partner_url: str) -> None:
    """Schedule: once is enough, but for a replica of the version before that still writes rows."""
    async with database.transaction() as session:
        wanted = select(Operator.id).where(Operator.role.is_(None)).limit(1)
        if await session.scalar(wanted) is None:
            return
    asked = {"aggregates": ["operator"]}
    try:
        await sideways.post(partner_url, "/internal/restatements", _WHO, asked)
    except OutsideError as error:
        log.warning("roles of operators are not told yet", error=str(error))
