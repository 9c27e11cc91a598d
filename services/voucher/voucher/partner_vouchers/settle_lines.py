"""The administrator settles lines of a partner's bill: the vouchers pay, once per settlement."""

import hashlib
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.copies import find
from chassis.crash import crash_point
from chassis.errors import NotFoundError, RefusedError
from chassis.identity import Principal
from matching import Line, Matched
from voucher.copies import Partner
from voucher.ledger.post_voucher_movements import post_voucher_restoration, post_voucher_use
from voucher.partner_vouchers.facts import partner_voucher_restored, partner_voucher_used
from voucher.partner_vouchers.match_lines import Matches, MatchLines, match_lines
from voucher.partner_vouchers.models import (
    PartnerVoucher,
    SettledLine,
    SettledPart,
    Settlement,
)
from wire.types import Id


class SettleLines(MatchLines):
    """The body of `POST /api/partner-vouchers/settlements`."""

    settlement_id: Id


class SettledOtherwiseError(RefusedError):
    """There is a settlement of this id, of other lines or of another partner."""

    code = "CHB.0409"


class Place(NamedTuple):
    """Where a part of a settlement stands."""

    settlement_id: str
    line_id: str
    number: int  # of the line's parts, in the order of paying, from 0
    base_line_id: str = ""  # of what is given back: the line that was paid


async def settle_lines(
    session: AsyncSession, principal: Principal, wanted: SettleLines, now: datetime
) -> dict[str, Any]:
    """Deduct, post and state; the same id and lines get the answer of the first time.

    A partner's settlements come one after the other: each locks the copy of its account.

    Raises:
        NotFoundError: no such partner.
        SettledOtherwiseError: see there.
        BadFieldError, NotInVoucherModeError, LineSettledError: as `match_lines`.

    """
    if await find(session, Partner, wanted.partner_id) is None:
        raise NotFoundError(wanted.partner_id)
    partner = await session.get_one(
        Partner, wanted.partner_id, with_for_update=True, populate_existing=True
    )
    content_hash = _content_hash(wanted)
    answered = await claim_settlement(session, partner, wanted.settlement_id, content_hash, now)
    if answered is not None:
        return answered
    matches = await match_lines(session, partner, wanted.lines, lock=True)
    _write(session, matches, wanted.settlement_id, now)
    answer = matches.answer(wanted.settlement_id).model_dump(mode="json")
    await session.execute(
        update(Settlement).where(Settlement.id == wanted.settlement_id).values(answer=answer)
    )
    audit.record(
        session, principal, "settlement.carry_out", wanted.settlement_id, now,
        partner_id=partner.partner_id, lines=len(wanted.lines), due=answer["due"],
    )  # fmt: skip
    await session.flush()
    crash_point("voucher.settled")
    return answer


async def claim_settlement(
    session: AsyncSession, partner: Partner, settlement_id: str, content_hash: str, now: datetime
) -> dict[str, Any] | None:
    """Take the id, waiting for whoever takes it at this moment; the answer that it already has.

    Raises:
        SettledOtherwiseError: see there.

    """
    row: dict[str, Any] = {
        "id": settlement_id,
        "partner_id": partner.partner_id,
        "distributor_id": partner.distributor_id,
        "content_hash": content_hash,
        "answer": {},
        "at": now,
    }
    taken = insert(Settlement).values(row).on_conflict_do_nothing().returning(Settlement.id)
    if await session.scalar(taken) is not None:
        return None
    kept = await session.scalar(select(Settlement).where(Settlement.id == settlement_id))
    is_same = kept is not None and kept.partner_id == partner.partner_id
    if kept is None or not is_same or kept.content_hash != content_hash:
        raise SettledOtherwiseError("other lines were settled under this id")
    return kept.answer


def _content_hash(wanted: SettleLines) -> str:
    """The same for the same lines in any order."""
    lines = sorted(repr(line.for_matching()) for line in wanted.lines)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _write(session: AsyncSession, matches: Matches, settlement_id: str, now: datetime) -> None:
    """Rows, postings and facts, line by line: so each fact tells the balance after it."""
    for line, matched in zip(matches.lines, matches.matched, strict=True):
        session.add(_settled_line(matches.partner, line, matched, settlement_id))
        _pay(session, matches, matched, settlement_id, now)
        _give_back(session, matches, line, matched, settlement_id, now)


def _settled_line(
    partner: Partner, line: Line, matched: Matched, settlement_id: str
) -> SettledLine:
    return SettledLine(
        partner_id=partner.partner_id,
        line_id=line.line_id,
        distributor_id=partner.distributor_id,
        settlement_id=settlement_id,
        trade_time=line.trade_time,
        customer_id=line.customer_id,
        currency=partner.currency,
        amount=line.amount,
        due=matched.due,
        forfeited=matched.forfeited,
        refund_of=line.refund_of,
        refund_case=line.refund_case,
    )


def _pay(
    session: AsyncSession, matches: Matches, matched: Matched, settlement_id: str, now: datetime
) -> None:
    for place, (voucher_id, amount) in enumerate(matched.allocations):
        voucher = matches.vouchers[voucher_id]
        pay_part(session, voucher, Place(settlement_id, matched.line_id, place), amount, now)


def pay_part(
    session: AsyncSession, voucher: PartnerVoucher, of: Place, amount: Decimal, now: datetime
) -> None:
    """The voucher pays so much: its balance, the ledger, the part and the fact."""
    voucher.use(amount, now)
    _add_part(session, voucher, of, amount, lapsed=False)
    post_voucher_use(session, voucher.posted_for, amount, now, of.settlement_id)
    fact = partner_voucher_used(voucher, now, of.settlement_id, of.line_id, amount)
    outbox.publish(session, fact)


def _give_back(
    session: AsyncSession,
    matches: Matches,
    line: Line,
    matched: Matched,
    settlement_id: str,
    now: datetime,
) -> None:
    for number, (voucher_id, amount, expired) in enumerate(matched.restored):
        voucher = matches.vouchers[voucher_id]
        of = Place(settlement_id, line.line_id, number, line.refund_of or "")
        give_back_part(session, voucher, of, amount, now, lapsed=expired)


def give_back_part(
    session: AsyncSession,
    voucher: PartnerVoucher,
    of: Place,
    amount: Decimal,
    now: datetime,
    *,
    lapsed: bool,
) -> None:
    """The voucher gets back so much; what has `lapsed` goes through it to the vendor."""
    if lapsed:
        voucher.lapse(amount)
    else:
        voucher.restore(amount, now)
    _add_part(session, voucher, of, -amount, lapsed=lapsed)
    post_voucher_restoration(
        session, voucher.posted_for, amount, now, of.settlement_id, lapsed=lapsed
    )
    fact = partner_voucher_restored(
        voucher, now, of.settlement_id, of.line_id, of.base_line_id, amount, lapsed=lapsed
    )
    outbox.publish(session, fact)


def _add_part(
    session: AsyncSession, voucher: PartnerVoucher, of: Place, amount: Decimal, *, lapsed: bool
) -> None:
    session.add(
        SettledPart(
            partner_id=voucher.partner_id,
            line_id=of.line_id,
            place=of.number,
            distributor_id=voucher.distributor_id,
            voucher_id=voucher.id,
            amount=amount,
            lapsed=lapsed,
        )
    )
