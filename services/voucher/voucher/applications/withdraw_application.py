"""A partner takes its application back."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.identity import Principal
from voucher.applications.facts import application_decided
from voucher.applications.find_application import find_application
from voucher.applications.models import WITHDRAWN, Application


async def withdraw_application(
    session: AsyncSession, principal: Principal, application_id: str, now: datetime
) -> Application:
    """Its partner may ask for another one then.

    Raises:
        NotFoundError: none of the caller's.
        ApplicationDecidedError: it is decided or withdrawn.

    """
    application = await find_application(session, principal, application_id, lock=True)
    application.end(WITHDRAWN, now)
    audit.record(session, principal, "application.withdraw", application.id, now)
    outbox.publish(session, application_decided(application, now))
    return application
