"""Prove the ledger once an hour, in whichever replica comes first."""

from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database
from chassis.ids import new_id
from voucher.ledger.prove_ledger import prove_ledger
from voucher.watch.models import Proof

EVERY_SECONDS = 60.0
PROOF_SECONDS = 3600  # between two proofs
KEPT_DAYS = 30


async def prove_hourly(database: Database, now: datetime) -> None:
    """Schedule, by the wall: nothing is done while the last proof is younger than an hour."""
    async with database.transaction() as session:
        alone = func.pg_try_advisory_xact_lock(func.hashtext("voucher.proof"))
        if not await session.scalar(select(alone)):
            return
        last = await last_proof(session)
        if last is not None and now - last.at < timedelta(seconds=PROOF_SECONDS):
            return
        begun = monotonic()
        proof = await prove_ledger(session, now)
        session.add(
            Proof(
                id=new_id(),
                at=now,
                milliseconds=int((monotonic() - begun) * 1000),
                differences=len(proof.differences),
            )
        )
        await session.execute(delete(Proof).where(Proof.at < now - timedelta(days=KEPT_DAYS)))


async def last_proof(session: AsyncSession) -> Proof | None:
    """The youngest."""
    return await session.scalar(select(Proof).order_by(Proof.id.desc()).limit(1))
