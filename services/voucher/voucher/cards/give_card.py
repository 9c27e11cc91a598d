"""The administrator gives a customer a stored value card (docs/domain/coupons.md H.19).

It is kept as a coupon of a type of its own (decision 0127).
"""

from datetime import datetime
from decimal import Decimal

from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.copies import find
from chassis.errors import BadFieldError, NotFoundError
from chassis.identity import Principal
from chassis.ids import new_id
from voucher.copies import ASSOCIATED, PENDING, Customer, Partner
from voucher.coupons.facts import card_given
from voucher.coupons.issue_vendor_coupon import HolderRefusedError
from voucher.coupons.models import CLOUD_GROUP, USABLE, Coupon
from voucher.find_customers import find_customers, lock_customers
from voucher.ledger.post_movements import post_issue
from voucher.quotas.models import CARD
from wire.operations import CHINA
from wire.types import Amount, Id, NativeInstant, WireRequest

NAME_CHARACTERS_MAX = 128


class GiveCard(WireRequest):
    """The body of `POST /api/stored-value-cards`; on the China site alone there are cards."""

    model_config = ConfigDict(extra="forbid")

    customer_id: Id
    card_name: str = Field(min_length=1, max_length=NAME_CHARACTERS_MAX)
    face_value: Amount
    currency: str | None = Field(default=None, description="the holder's, when given")
    effective_at: NativeInstant
    expire_at: NativeInstant


async def give_card(
    session: AsyncSession, principal: Principal, asked: GiveCard, now: datetime
) -> Coupon:
    """Make the card, and state it.

    Raises:
        NotFoundError: no such customer.
        HolderRefusedError: the customer is pending, or nobody's customer now.
        BadFieldError: another currency or site, or the times are out of order or past.

    """
    await find_customers(session, [asked.customer_id])  # before any lock: it may wait
    customer = (await lock_customers(session, [asked.customer_id])).get(asked.customer_id)
    if customer is None:
        raise NotFoundError(f"customer {asked.customer_id}")
    _refuse_customer(customer)
    partner = await find(session, Partner, customer.partner_id)
    if partner is None:
        raise NotFoundError(f"partner {customer.partner_id}")
    _refuse_bad_fields(asked, partner, now)
    card = Coupon(
        id=f"SC{new_id()}",
        quota_id=None,
        partner_id=partner.partner_id,
        distributor_id=partner.distributor_id,
        customer_id=customer.customer_id,
        coupon_type=CARD,
        coupon_group=CLOUD_GROUP,
        name=asked.card_name,
        status=USABLE,
        is_frozen=False,
        site=partner.site,
        currency=partner.currency,
        face_value=asked.face_value,
        balance=asked.face_value,
        reserved_amount=Decimal(0),
        returned_amount=Decimal(0),
        limits={},
        effective_at=asked.effective_at,
        expire_at=asked.expire_at,
        created_at=now,
        version=1,
    )
    session.add(card)
    post_issue(session, card.posted_for, card.id, card.face_value, now)
    outbox.publish(session, card_given(card, now))
    audit.record(
        session, principal, "stored_value_card.give", card.id, now,
        customer_id=card.customer_id, face_value=str(card.face_value),
    )  # fmt: skip
    return card


def _refuse_customer(customer: Customer) -> None:
    if customer.association_status == PENDING:
        raise HolderRefusedError(code="CBC.99000000")
    if customer.association_status != ASSOCIATED:
        raise HolderRefusedError(code="CBC.99000035")


def _refuse_bad_fields(asked: GiveCard, partner: Partner, now: datetime) -> None:
    if partner.site != CHINA:
        raise BadFieldError("customer_id", "there are cards on the China site only")
    if asked.currency not in (None, partner.currency):
        raise BadFieldError("currency", f"the holder's is {partner.currency}")
    if asked.expire_at <= asked.effective_at:
        raise BadFieldError("expire_at", "not after effective_at")
    if asked.expire_at <= now:
        raise BadFieldError("expire_at", "in the past")
