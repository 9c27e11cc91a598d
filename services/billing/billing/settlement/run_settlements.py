"""Go on with the settlements that were asked for: any replica, one at a time per partner."""

from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from billing.prices.catalogue import Catalogue
from billing.settlement.match_month import OvertakenError, match_month
from billing.settlement.models import (
    FAILED,
    MATCHING,
    READING,
    REQUESTED,
    SETTLED,
    TOTALLING,
    Settlement,
)
from billing.settlement.pin_inputs import LimitsUnknownError, pin_inputs
from billing.settlement.settlement_prices import NoSettlementPriceError, SettlementPrices
from billing.settlement.total_month import BillDoesNotAddUpError, total_month
from chassis.crash import crash_point
from chassis.database import Database
from chassis.logs import get_logger

log = get_logger(__name__)

EVERY_SECONDS = 1.0
GOES_ON = (REQUESTED, READING, MATCHING, TOTALLING)
# What pins vouchers, or waits until voucher has moved them: others of the partner wait for it.
HAS_VOUCHERS = (READING, MATCHING, TOTALLING, SETTLED, FAILED)
STOPS = (NoSettlementPriceError, LimitsUnknownError, BillDoesNotAddUpError)


class Settlements:
    """The schedule that carries them out."""

    def __init__(self, prices: SettlementPrices, catalogue: Catalogue):
        self._prices, self._catalogue = prices, catalogue

    async def work(self, database: Database, now: datetime) -> None:
        """Each as far as it goes; one that cannot go on says why, and waits for somebody."""
        async with database.transaction() as session:
            waiting = select(Settlement.settlement_id).where(Settlement.state.in_(GOES_ON))
            found = (await session.scalars(waiting.order_by(Settlement.settlement_id))).all()
        for settlement_id in found:
            try:
                while await self._next_step(database, settlement_id, now):
                    pass
            except OvertakenError:
                log.info("another replica goes on with it", settlement=settlement_id)
            except STOPS as error:
                await _fail(database, settlement_id, str(error))

    async def _next_step(self, database: Database, settlement_id: str, now: datetime) -> bool:
        """One state further; False when it waits, is done, or is another replica's."""
        async with database.transaction() as session:
            settlement = await session.get_one(Settlement, settlement_id)
            if not await _has_turn(session, settlement.partner_id):
                return False
            await session.refresh(settlement)
            match settlement.state:
                case "requested":
                    if await _must_wait(session, settlement):
                        return False
                    settlement.state = READING
                    settlement.version += 1
                case "reading":
                    await pin_inputs(session, settlement)
                    crash_point("billing.settlement_read")
                case "matching":
                    session.expunge(settlement)
                    await match_month(database, session, settlement, self._prices, self._catalogue)
                case "totalling":
                    await total_month(session, settlement, now)
                case _:
                    return False
        crash_point(f"billing.settlement_{settlement.state}")
        return True


async def _has_turn(session: AsyncSession, partner_id: str) -> bool:
    """Whether nobody else works on this partner; until the transaction ends."""
    lock = func.pg_try_advisory_xact_lock(
        func.hashtext("billing.settlement"), func.hashtext(partner_id)
    )
    return bool(await session.scalar(select(lock)))


async def _must_wait(session: AsyncSession, settlement: Settlement) -> bool:
    other = aliased(Settlement)
    busy = exists().where(
        other.partner_id == settlement.partner_id,
        other.settlement_id != settlement.settlement_id,
        other.state.in_(HAS_VOUCHERS),
    )
    return bool(await session.scalar(select(busy)))


async def _fail(database: Database, settlement_id: str, because: str) -> None:
    log.warning("settlement stopped", settlement=settlement_id, because=because)
    async with database.transaction() as session:
        settlement = await session.get_one(Settlement, settlement_id, with_for_update=True)
        if settlement.state in GOES_ON:
            settlement.fail(because)


async def next_settlement(session: AsyncSession) -> datetime | None:
    """Since when one waits: business time that is moved stops until it is done."""
    waiting = select(func.min(Settlement.requested_at)).where(Settlement.state.in_(GOES_ON))
    return await session.scalar(waiting)
