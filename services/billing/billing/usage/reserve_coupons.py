"""Ask voucher, before usage is charged, what coupons pay of it (decision 0165).

Most batches ask nothing: one query finds no payer with a coupon. Otherwise an attempt for each
payer that has one is committed first, voucher reserves under its id, and the charge's transaction
commits the outcome.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

from sqlalchemy import and_, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Coupon, Customer
from billing.cycles.find_cycle import cycles_taking
from billing.lines.models import ChargedUsage
from billing.prices.catalogue import Catalogue
from billing.prices.rate import EXACT
from billing.usage.charge_records import Charge, Charging
from billing.usage.rate_records import RatedRecord, rate_record
from billing.usage.records import UsageRecord
from billing.usage_coupons.close_attempts import fail_attempts
from billing.usage_coupons.models import OPEN, UsageAttempt
from billing.usage_coupons.shares import COLUMN_OF_TYPE, CouponPart, Shares
from chassis.crash import crash_point
from chassis.database import Database
from chassis.errors import OutsideError, RefusedError
from chassis.failures import DatabaseAwayError
from chassis.identity import Principal
from chassis.ids import new_id
from chassis.sideways import Sideways
from wire.money import cut

PATH = "/internal/usage-reservations"
UNTOLD_MAX = 20  # of a payer: the last ones, of which voucher may not have heard
BUSY_STEPS, BUSY_STEP_SECONDS = 80, 0.05
UNFORESEEN = "CBC.0999"
RATIO_PLACES = 4
AS_BILLING = Principal("billing", "administrator", "*", caller="billing")


class UsageBusyError(RefusedError):
    """Another charge of the same payer is under way, and has not ended in some seconds."""

    code = "CBC.99008040"


class _TriedError(Exception):
    """The records are rated, and nothing of it is to stay."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """Attempts that are committed, and what they ask for."""

    attempt_of: dict[str, str]
    lines: Mapping[str, Sequence[Mapping[str, Any]]]  # payer → charges
    settled: Mapping[str, Sequence[UsageAttempt]]  # payer → earlier ones


@dataclass(frozen=True, slots=True)
class UsageCoupons:
    """Voucher, as charging knows it."""

    database: Database
    sideways: Sideways
    voucher_url: str
    catalogue: Catalogue

    async def reserve(self, records: Sequence[UsageRecord], now: datetime) -> Shares:
        """What coupons may pay of these records; none has an attempt where there is no coupon.

        Raises:
            UsageBusyError: see there; the records may be sent again.
            OutsideError: voucher did not answer; nothing was charged.

        """
        opened = await self._open(records, now)
        if opened is None or not opened.attempt_of:
            return Shares()
        crash_point("billing.usage_attempted")
        try:
            shares = _shares(opened, await self._ask(opened))
        except Exception as error:
            reason = error.refusal_code if isinstance(error, RefusedError) else UNFORESEEN
            await self._give_up(opened.attempt_of.values(), reason, now)
            raise
        crash_point("billing.usage_reserved")
        return shares

    @asynccontextmanager
    async def reserved(
        self, records: Sequence[UsageRecord], now: datetime
    ) -> AsyncIterator[Shares]:
        """The same around the charge, commit included: when that fails, all is free again."""
        shares = await self.reserve(records, now)
        try:
            yield shares
        except Exception as error:
            reason = error.refusal_code if isinstance(error, RefusedError) else UNFORESEEN
            await self._give_up(shares.attempt_of.values(), reason, now)
            raise

    async def _give_up(self, attempt_ids: Collection[str], reason: str, now: datetime) -> None:
        if attempt_ids:
            with suppress(DatabaseAwayError):  # the schedule does it
                async with self.database.transaction() as session:
                    await fail_attempts(session, attempt_ids, reason, now)

    async def _open(self, records: Sequence[UsageRecord], now: datetime) -> _Opened | None:
        """None when nobody has a coupon; waits while another charge of a payer is under way."""
        customer_ids = {record.customer_id for record in records}
        for _ in range(BUSY_STEPS):
            try:
                async with self.database.transaction() as session:
                    customers = await _with_coupons(session, customer_ids, now)
                    if not customers:
                        return None
                    await _refuse_busy(session, {one.payer_id for one in customers.values()})
                    lines = await self._rate(session, records, customers, now)
                    return await _write_attempts(session, lines, customers, now)
            except UsageBusyError:
                await asyncio.sleep(BUSY_STEP_SECONDS)
        raise UsageBusyError("another charge of the payer's is under way")

    async def _rate(
        self,
        session: AsyncSession,
        records: Sequence[UsageRecord],
        customers: Mapping[str, Customer],
        now: datetime,
    ) -> dict[str, list[dict[str, Any]]]:
        """What each payer's records come to now, by the same code that charges; it leaves nothing.

        No lock is held: what the charge comes to is known in its own transaction, and takes at most
        what was reserved.
        """
        charges: list[Charge] = []
        try:
            async with session.begin_nested():
                rated = await self._judged(session, records, customers, now)
                charging = await Charging.of(session, self.catalogue, rated)
                charges = [charging.charge(item, now) for item in rated]
                raise _TriedError
        except _TriedError:
            pass
        lines: dict[str, list[dict[str, Any]]] = {}
        for one in charges:
            if one.lowered.fee.payable > 0:
                lines.setdefault(one.item.customer.payer_id, []).append(_line(one))
        return lines

    async def _judged(
        self,
        session: AsyncSession,
        records: Sequence[UsageRecord],
        customers: Mapping[str, Customer],
        now: datetime,
    ) -> list[RatedRecord]:
        """Those that would be charged: good ones, of these customers, that were not charged yet."""
        mine: dict[str, UsageRecord] = {}
        for record in records:
            if record.customer_id in customers:
                mine.setdefault(record.record_id, record)
        known = await session.scalars(
            select(ChargedUsage.record_id).where(ChargedUsage.record_id.in_(mine))
        )
        for record_id in known.all():
            del mine[record_id]
        when = [one.charged_at or min(one.used_until, now) for one in mine.values()]
        taking = await cycles_taking(session, when, now) if when else frozenset()
        rated = []
        for record in mine.values():
            try:
                rated.append(
                    rate_record(self.catalogue, record, customers[record.customer_id], now, taking)
                )
            except RefusedError:
                continue  # whoever charges tells it
        return rated

    async def _ask(self, opened: _Opened) -> dict[str, Any]:
        payers = [
            {
                "attempt_id": attempt_id,
                "customer_id": payer_id,
                "lines": opened.lines[payer_id],
                "settled": [_told(one) for one in opened.settled.get(payer_id, [])],
            }
            for payer_id, attempt_id in opened.attempt_of.items()
        ]
        return await self.sideways.post(self.voucher_url, PATH, AS_BILLING, {"payers": payers})


async def _with_coupons(
    session: AsyncSession, customer_ids: Collection[str], now: datetime
) -> dict[str, Customer]:
    """Those whose payers have a coupon that may pay."""
    master = and_(Customer.financial_custody, Customer.enterprise_master_id.is_not(None))
    is_payers = (Coupon.customer_id == Customer.customer_id) & ~master
    is_masters = (Coupon.customer_id == Customer.enterprise_master_id) & master
    good = [Coupon.is_usable, Coupon.effective_at <= now, Coupon.expire_at > now]
    found = await session.scalars(
        select(Customer).where(
            Customer.customer_id.in_(customer_ids),
            exists().where(is_payers, *good) | exists().where(is_masters, *good),
        )
    )
    return {one.customer_id: one for one in found}


async def _refuse_busy(session: AsyncSession, payer_ids: Collection[str]) -> None:
    found = await session.scalar(
        select(UsageAttempt.attempt_id)
        .where(UsageAttempt.payer_id.in_(payer_ids), UsageAttempt.state == OPEN)
        .limit(1)
    )
    if found is not None:
        raise UsageBusyError


async def _write_attempts(
    session: AsyncSession,
    lines: Mapping[str, Sequence[Mapping[str, Any]]],
    customers: Mapping[str, Customer],
    now: datetime,
) -> _Opened:
    """From the commit on, whatever is reserved under their ids has an owner."""
    owners = {one.payer_id: one for one in customers.values()}
    rows: list[dict[str, Any]] = [
        {
            "attempt_id": new_id(),
            "payer_id": payer_id,
            "partner_id": owners[payer_id].partner_id,
            "distributor_id": owners[payer_id].distributor_id,
            "currency": owners[payer_id].currency,
            "state": OPEN,
            "coupons": [],
            "is_told": False,
            "opened_at": now,
        }
        for payer_id in sorted(lines)
    ]
    if not rows:
        return _Opened({}, {}, {})
    written = await session.execute(
        insert(UsageAttempt)
        .values(rows)
        .on_conflict_do_nothing()
        .returning(UsageAttempt.payer_id, UsageAttempt.attempt_id)
    )
    attempt_of = {payer_id: attempt_id for payer_id, attempt_id in written}
    if len(attempt_of) < len(rows):
        raise UsageBusyError
    earlier = await session.scalars(
        select(UsageAttempt)
        .where(
            UsageAttempt.payer_id.in_(attempt_of),
            UsageAttempt.state != OPEN,
            ~UsageAttempt.is_told,
        )
        .order_by(UsageAttempt.closed_at.desc())
    )
    settled: dict[str, list[UsageAttempt]] = {}
    for one in earlier:
        settled.setdefault(one.payer_id, []).append(one)
    last = {payer_id: list(islice(found, UNTOLD_MAX)) for payer_id, found in settled.items()}
    return _Opened(attempt_of, lines, last)


def _told(attempt: UsageAttempt) -> dict[str, Any]:
    return {"attempt_id": attempt.attempt_id, "coupons": attempt.coupons}


def _line(charge: Charge) -> dict[str, Any]:
    """The charge as voucher compares and pays it; a discount only where one lowers it."""
    item, fee = charge.item, charge.lowered.fee
    line = {
        "line_id": item.record.record_id,
        "product_id": item.product.id,
        "service_type_code": item.product.service_type_code,
        "region_code": item.record.region_code,
        "amount_after_discount": f"{fee.payable:f}",
    }
    if (discount := charge.lowered.discount) is not None:
        own = EXACT.multiply(fee.official, item.price.discount)
        ratio = EXACT.divide(fee.official - fee.discount, own) if own else Decimal(1)
        line["discount_type"] = discount.discount_type  # type: ignore[assignment]
        line["discount_ratio"] = f"{cut(ratio, RATIO_PLACES):f}"
    return line


def _shares(opened: _Opened, answer: Mapping[str, Any]) -> Shares:
    """Raises OutsideError when the answer cannot be right."""
    told = [one.attempt_id for found in opened.settled.values() for one in found]
    owed = {
        line["line_id"]: Decimal(line["amount_after_discount"])
        for lines in opened.lines.values()
        for line in lines
    }
    parts: dict[str, list[CouponPart]] = {}
    try:
        for payer in answer["payers"]:
            for coupon in payer["coupons"]:
                if coupon["coupon_type"] not in COLUMN_OF_TYPE:
                    raise ValueError(coupon["coupon_type"])
                for line in coupon["lines"]:
                    amount = Decimal(line["amount"])
                    owed[line["line_id"]] -= amount
                    if amount <= 0 or owed[line["line_id"]] < 0 or amount != cut(amount, 2):
                        raise ValueError(line["amount"])
                    part = CouponPart(coupon["coupon_id"], coupon["coupon_type"], amount)
                    parts.setdefault(line["line_id"], []).append(part)
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise OutsideError("the reservation cannot be read") from error
    return Shares(opened.attempt_of, parts, told)
