"""Ask for the settlement of a partner's month, for a correction of it, or to go on with it."""

from datetime import datetime

from pydantic import ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Partner
from billing.cycles.find_cycle import find_cycle
from billing.cycles.models import CORRECTED, Cycle
from billing.settlement.facts import correction_opened
from billing.settlement.models import (
    FAILED,
    PUBLISHED,
    REQUESTED,
    SETTLED,
    UNDER_WAY,
    Settlement,
    SettlementUnderWayError,
)
from chassis import audit, outbox
from chassis.copies import find
from chassis.errors import NotFoundError, RefusedError
from chassis.identity import Principal
from chassis.ids import new_id
from wire.types import Cycle as BillCycle
from wire.types import Id, WireRequest

RESELLER = "reseller"
REASON_CHARACTERS_MAX = 1000


class CycleOpenError(RefusedError):
    """The month still takes lines: it is settled when it is closed."""

    code = "CHB.0409"


class SettledAlreadyError(RefusedError):
    """The month has its bill; another version of it needs a reason."""

    code = "CHB.0409"


class SettledAboveError(RefusedError):
    """A reseller's lines are settled with its distributor's."""

    code = "CHB.0409"


class RequestSettlement(WireRequest):
    """The body of `POST /api/settlements`."""

    model_config = ConfigDict(extra="forbid")

    partner_id: Id
    bill_cycle: BillCycle
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=REASON_CHARACTERS_MAX,
        description="of a correction: the month is settled once more, beside the bill it has",
    )


async def request_settlement(
    session: AsyncSession, principal: Principal, wanted: RequestSettlement, now: datetime
) -> Settlement:
    """The settlement that will be carried out; one that failed goes on at its portion.

    Raises:
        NotFoundError: no such partner.
        SettledAboveError, CycleOpenError, SettlementUnderWayError, SettledAlreadyError: see there.

    """
    partner = await _locked_partner(session, wanted.partner_id)
    cycle = await find_cycle(session, wanted.bill_cycle, now)
    if not cycle.is_final:
        raise CycleOpenError(f"{wanted.bill_cycle} is not closed")
    last = await session.scalar(
        select(Settlement)
        .where(Settlement.partner_id == partner.partner_id, Settlement.cycle == wanted.bill_cycle)
        .order_by(Settlement.number.desc())
        .limit(1)
        .with_for_update()
    )
    if last is not None and last.state == FAILED:
        last.go_on()
        audit.record(session, principal, "settlement.resume", last.settlement_id, now)
        return last
    if last is not None:
        _refuse(last, wanted)
    settlement = _settlement(partner, wanted, last, now)
    session.add(settlement)
    if last is not None:
        await _mark_corrected(session, cycle)
        outbox.publish(session, correction_opened(settlement, now))
    audit.record(
        session, principal, "settlement.request", settlement.settlement_id, now,
        partner_id=partner.partner_id, cycle=wanted.bill_cycle, number=settlement.number,
    )  # fmt: skip
    return settlement


async def _locked_partner(session: AsyncSession, partner_id: str) -> Partner:
    """Two requests for one partner come one after the other."""
    partner = await find(session, Partner, partner_id)
    if partner is None:
        raise NotFoundError(partner_id)
    if partner.kind == RESELLER:
        raise SettledAboveError("a reseller is settled with its distributor")
    await session.execute(
        select(
            func.pg_advisory_xact_lock(
                func.hashtext("billing.settlement request"), func.hashtext(partner_id)
            )
        )
    )
    return partner


def _refuse(last: Settlement, wanted: RequestSettlement) -> None:
    if last.state in UNDER_WAY:
        raise SettlementUnderWayError(f"{last.settlement_id} is {last.state}")
    if last.state == SETTLED:
        raise SettlementUnderWayError("its vouchers have not been moved yet")
    assert last.state == PUBLISHED
    if wanted.reason is None:
        raise SettledAlreadyError("a correction needs a reason")


def _settlement(
    partner: Partner, wanted: RequestSettlement, last: Settlement | None, now: datetime
) -> Settlement:
    return Settlement(
        settlement_id=new_id(),
        partner_id=partner.partner_id,
        distributor_id=partner.distributor_id,
        cycle=wanted.bill_cycle,
        number=last.number + 1 if last else 1,
        corrects=last.settlement_id if last else None,
        reason=wanted.reason if last else None,
        site=partner.site,
        currency=partner.currency,
        state=REQUESTED,
        is_current=False,
        lines_done=0,
        digest="",
        requested_at=now,
        version=1,
    )


async def _mark_corrected(session: AsyncSession, cycle: Cycle) -> None:
    cycle.state = CORRECTED
    cycle.version += 1
    await session.merge(cycle)
