"""Take the vendor's archive."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.exports.request_export import find_named_partner
from billing.files.sent import AnnounceFile, announced
from billing.reconciliation.models import Reconciliation, ReconciliationNotFoundError
from chassis import audit
from chassis.errors import BadFieldError
from chassis.identity import Principal
from chassis.ids import new_id
from wire.times import cycle_of
from wire.types import Cycle, Id


class ReceiveBill(AnnounceFile):
    """The body of POST /api/vendor-bills; `partner_id` is for the administrator."""

    cycle: Cycle
    partner_id: Id | None = None


async def announce_bill(
    session: AsyncSession, principal: Principal, wanted: ReceiveBill, now: datetime
) -> Reconciliation:
    """Expect its parts.

    Raises:
        BadFieldError: the cycle lies ahead; the administrator named no partner.
        PartnerUnknownError

    """
    partner = await find_named_partner(session, principal, wanted.partner_id)
    if wanted.cycle > cycle_of(now):
        raise BadFieldError("cycle", "is in the future")
    found = Reconciliation(
        reconciliation_id=new_id(),
        partner_id=partner.partner_id,
        distributor_id=partner.distributor_id,
        currency=partner.currency,
        cycle=wanted.cycle,
        rows_read=0,
        totals={},
        **announced(wanted, now),
    )
    session.add(found)
    audit.record(
        session, principal, "vendor_bill.send", found.reconciliation_id, now, cycle=wanted.cycle
    )
    return found


async def find_reconciliation(
    session: AsyncSession, principal: Principal, reconciliation_id: str, *, lock: bool = False
) -> Reconciliation:
    """A partner's own; the administrator sees all.

    Raises:
        ReconciliationNotFoundError

    """
    wanted = select(Reconciliation).where(Reconciliation.reconciliation_id == reconciliation_id)
    if not principal.is_administrator:
        wanted = wanted.where(Reconciliation.partner_id == principal.partner_id)
    found: Reconciliation | None = await session.scalar(
        wanted.with_for_update() if lock else wanted
    )
    if found is None:
        raise ReconciliationNotFoundError
    return found
