"""What came of an application, and what a customer is verified as."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFoundError
from chassis.identity import Principal
from customer_sync.customers.models import NOT_VERIFIED, Customer
from customer_sync.realname.find_applicant import find_applicant
from customer_sync.realname.models import REFUSED_REVIEW, RealnameApplication
from wire.types import WireQuery


class ShowReview(WireQuery, operation="show_realname_authentication_review_result"):
    """Of which customer."""

    customer_id: str


async def show_review(
    session: AsyncSession, principal: Principal, customer_id: str
) -> dict[str, Any]:
    """review_result 0 in review, 1 refused (with the opinion), 2 passed; nothing without one.

    Raises:
        NotYourCustomerError: not an associated customer of the caller.

    """
    customer = await find_applicant(session, principal, customer_id)
    application = await session.get(RealnameApplication, customer.id)
    if application is None:
        return {}
    if application.status == REFUSED_REVIEW and application.opinion:
        return {"review_result": application.status, "opinion": application.opinion}
    return {"review_result": application.status}


async def show_status(session: AsyncSession, principal: Principal) -> dict[str, int]:
    """The calling customer's verified_status, and its kind once there is one.

    Raises:
        NotFoundError: the customer is not known here.

    """
    known = await session.execute(
        select(Customer.verified_status, Customer.customer_type, RealnameApplication.customer_type)
        .outerjoin(RealnameApplication, RealnameApplication.customer_id == Customer.id)
        .where(Customer.id == principal.id)
    )
    found = known.one_or_none()
    if found is None:
        raise NotFoundError
    status, verified_as, applied_as = found
    if status == NOT_VERIFIED:
        return {"verified_status": int(status)}
    kind = applied_as if verified_as < 0 else verified_as
    return {"verified_status": int(status), "verified_type": max(kind or 0, 0)}
