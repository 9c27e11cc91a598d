"""Apply for a customer's real-name authentication, or for a person to become an enterprise."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import RefusedError
from chassis.identity import Principal
from contracts.customer import CustomerUpdated
from customer_sync.customers.facts import customer_fact
from customer_sync.customers.models import IN_REVIEW, PERSONAL, VERIFIED, Customer
from customer_sync.realname.applications import Application
from customer_sync.realname.find_applicant import find_applicant
from customer_sync.realname.models import REVIEWING, RealnameApplication


class SwitchedOffError(RefusedError):
    """The access configuration does not allow it."""

    code = "CBC.99005030"


class DoneOrInReviewError(RefusedError):
    """There is a verified name, or an application that nobody has decided."""

    code = "CBC.99007188"


class NotVerifiedYetError(RefusedError):
    """Only a verified person changes into an enterprise."""

    code = "CBC.0155"


async def apply_for_verification(
    session: AsyncSession,
    principal: Principal,
    wanted: Application,
    *,
    switched_on: bool,
    now: datetime,
) -> None:
    """Put it before the vendor's side; a first one states `customer.updated`.

    While a change is in review the person stays verified. The same change again changes nothing:
    the SDK repeats a PUT (docs/domain/wire-protocol.md D.4a.7).

    Raises:
        NotYourCustomerError: not an associated customer of the caller.
        SwitchedOffError, DoneOrInReviewError, NotVerifiedYetError: not now.
        BadFieldError, UnknownValueError, WrongFileError, NoBankError: the body.

    """
    wanted.check()
    customer = await find_applicant(session, principal, wanted.customer_id)
    if not switched_on:
        raise SwitchedOffError
    before = await session.get(RealnameApplication, customer.id)
    new = _application(customer, wanted, now)
    if before is not None and before.status == REVIEWING:
        if wanted.changes and before.says_the_same(new):
            return
        raise DoneOrInReviewError
    _check_state(customer, wanted)
    await session.merge(new)
    if not wanted.changes:
        customer.verified_status = IN_REVIEW
        outbox.publish(session, customer_fact(CustomerUpdated, customer, now))
    audit.record(session, principal, "customer.apply_realname", customer.id, now)


def _check_state(customer: Customer, wanted: Application) -> None:
    if not wanted.changes:
        if customer.verified_status in (IN_REVIEW, VERIFIED):
            raise DoneOrInReviewError
        return
    if customer.verified_status != VERIFIED:
        raise NotVerifiedYetError
    if customer.customer_type != PERSONAL:
        raise DoneOrInReviewError


def _application(customer: Customer, wanted: Application, now: datetime) -> RealnameApplication:
    return RealnameApplication(
        customer_id=customer.id,
        partner_id=customer.partner_id,
        distributor_id=customer.distributor_id,
        status=REVIEWING,
        customer_type=wanted.kind,
        name=wanted.name,
        is_change=wanted.changes,
        files=wanted.verified_file_url,
        opinion=None,
        applied_at=now,
        decided_at=None,
    )
