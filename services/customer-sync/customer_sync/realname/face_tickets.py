"""show_real_name_auth_qr_code: the way to a page where a person is verified by its face.

The page is not ours. Its operator takes the ticket out of the address that the customer opens,
redeems it here, once, and hears whom to verify; what it finds it tells as the vendor's side does
(`POST /api/customers/{id}/verification`).
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.errors import NotFoundError
from chassis.identity import Principal
from customer_sync.customers.models import VERIFIED, Customer
from customer_sync.realname.apply_for_verification import DoneOrInReviewError, SwitchedOffError
from customer_sync.realname.models import FaceTicket

TICKET_MINUTES = 10
TICKET_BYTES = 24


class RedeemTicket(BaseModel):
    """The body of POST /api/face-tickets."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ticket: str = Field(min_length=1, max_length=128)


async def give_ticket(
    session: AsyncSession, principal: Principal, page_url: str | None, now: datetime
) -> str:
    """The page's address with a new ticket, in place of the customer's older ones.

    Raises:
        SwitchedOffError: no page is known.
        NotFoundError: the customer is not known here.
        DoneOrInReviewError: it is verified already.

    """
    if page_url is None:
        raise SwitchedOffError
    customer = await session.scalar(
        select(Customer).where(Customer.id == principal.id).with_for_update()
    )
    if customer is None:
        raise NotFoundError
    if customer.verified_status == VERIFIED:
        raise DoneOrInReviewError
    await session.execute(delete(FaceTicket).where(FaceTicket.customer_id == customer.id))
    ticket = secrets.token_urlsafe(TICKET_BYTES)
    session.add(
        FaceTicket(
            ticket_hash=_hash(ticket),
            customer_id=customer.id,
            partner_id=customer.partner_id,
            distributor_id=customer.distributor_id,
            expires_at=now + timedelta(minutes=TICKET_MINUTES),
        )
    )
    return f"{page_url}{'&' if '?' in page_url else '?'}ticket={ticket}"


async def redeem_ticket(
    session: AsyncSession, principal: Principal, ticket: str, now: datetime
) -> str:
    """Whose it is; it is gone afterwards.

    Raises:
        NotFoundError: no such ticket, used before, or older than ten minutes.

    """
    redeemed = await session.execute(
        delete(FaceTicket)
        .where(FaceTicket.ticket_hash == _hash(ticket), FaceTicket.expires_at > now)
        .returning(FaceTicket.customer_id)
    )
    customer_id = redeemed.scalar()
    if customer_id is None:
        raise NotFoundError
    audit.record(session, principal, "customer.redeem_face_ticket", customer_id, now)
    return customer_id


def _hash(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode()).digest()
