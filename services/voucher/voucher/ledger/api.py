"""The door to the ledger: its proof."""

from fastapi import Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.parts import CurrentParts
from chassis.routes import Router
from voucher.ledger.prove_ledger import VoucherProof, prove_ledger

router = Router()


@router.get("/api/vouchers/proof", response_model=VoucherProof)
async def proof(parts: CurrentParts, now: Now) -> Response:
    """Whether the ledger balances; the administrator, who sees all of it.

    Not in the request's role: to ask the second wall for each of millions of rows took longer than
    the proof.
    """
    async with parts.database.transaction() as session:
        return JsonAnswer(await prove_ledger(session, now))
