"""The administrator changes a partner account: its standing, or who uses its vouchers."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import NotFoundError, RefusedError
from chassis.identity import Principal
from partner.facts import partner_updated
from partner.models import Partner
from wire.types import WireRequest


class ChangePartner(WireRequest):
    """What is to be another; null or absent stays.

    A partner in the mode `use_vouchers` issues no coupons to its customers; in the mode
    `issue_to_customers` nothing is settled with its own vouchers.
    """

    model_config = ConfigDict(extra="forbid")

    status: Literal["active", "restricted", "delisted"] | None = None
    coupon_mode: Literal["issue_to_customers", "use_vouchers"] | None = None


class ChangedMeanwhileError(RefusedError):
    """The version in If-Match is not the account's."""

    code = "CHB.0412"


async def change_partner(
    session: AsyncSession,
    administrator: Principal,
    partner_id: str,
    change: ChangePartner,
    expected_version: int | None,
    now: datetime,
) -> Partner:
    """Change the account and tell the other services; nothing is told when nothing changes.

    Raises:
        NotFoundError: no such account.
        ChangedMeanwhileError: another version than the expected one.

    """
    wanted = select(Partner).where(Partner.partner_id == partner_id).with_for_update()
    partner = await session.scalar(wanted)
    if partner is None:
        raise NotFoundError(partner_id)
    if expected_version is not None and partner.version != expected_version:
        raise ChangedMeanwhileError(f"the version is {partner.version}")
    before = partner.status, partner.coupon_mode
    partner.status = change.status or partner.status
    partner.coupon_mode = change.coupon_mode or partner.coupon_mode
    if (partner.status, partner.coupon_mode) == before:
        return partner
    partner.version += 1
    audit.record(
        session, administrator, "partner.change", partner.partner_id, now,
        status=partner.status, coupon_mode=partner.coupon_mode,
    )  # fmt: skip
    outbox.publish(session, partner_updated(partner, now))
    return partner
