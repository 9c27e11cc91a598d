"""On-demand usage is rated, charged and put on the bill."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.dated_credit import note_lines
from billing.cycles.find_cycle import cycles_taking
from billing.lines.facts import line_recorded
from billing.lines.models import BillLine, ChargedUsage
from billing.prices.catalogue import Catalogue
from billing.usage.charge_records import Charging, accounts_of, line_values, plan_values
from billing.usage.hold_customers import find_customers, lock_payers
from billing.usage.pay_usage import pay_usage, state_arrears
from billing.usage.rate_records import rate_record
from billing.usage.records import ChargedRecord, UsageRecord
from billing.usage_coupons.shares import Shares, by_coupons, note_coupons
from chassis import audit, outbox
from chassis.errors import BadFieldError
from chassis.identity import Principal
from wire.times import cycle_of


async def record_usage(
    session: AsyncSession,
    principal: Principal,
    catalogue: Catalogue,
    records: Sequence[UsageRecord],
    now: datetime,
    shares: Shares,
) -> list[ChargedRecord]:
    """Rate each record, charge it and write its line, all or none; one that is known stays as is.

    What packages hold is taken first and not charged (docs/domain/resources.md H.13). The charge
    takes what coupons pay (`shares`), then cash, then credit, and what is missing is owed
    (docs/domain/accounts.md B.10): the customer's, or its master's, whose custody member it is.

    Raises:
        BadFieldError: a record twice in one request, a charge outside the open cycles, or a use
            that ends before it begins.
        AccountMissingError: a customer that nobody has named.
        UsageAttemptClosedError: voucher has freed what it had reserved.
        ProductNotFoundError, UnitNotFoundError, UnitNotConvertibleError

    """
    if len({record.record_id for record in records}) < len(records):
        raise BadFieldError("records.record_id", "must not repeat")
    customers = await find_customers(session, [record.customer_id for record in records])
    charged = [record.charged_at or min(record.used_until, now) for record in records]
    taking = await cycles_taking(session, charged, now)
    rated = [
        rate_record(catalogue, record, customers[record.customer_id], now, taking)
        for record in records
    ]
    accounts = await lock_payers(session, customers)
    known = await _known_lines(session, records)
    unknown = [item for item in rated if item.record.record_id not in known]
    # Read below the accounts' locks: whoever takes from a customer's packages has them.
    charging = await Charging.of(session, catalogue, unknown)
    new: dict[str, BillLine] = {}
    for item in unknown:
        charge = charging.charge(item, now)
        payer, payable = item.customer.payer_id, charge.lowered.fee.payable
        parts = shares.take(payer, item.record.record_id, payable)
        paid = pay_usage(
            session,
            accounts_of(accounts, charge),
            payable - by_coupons(parts),
            now,
            bill_cycle=cycle_of(item.trade_time),
            consume_time=item.record.used_until,
            service_type_name=catalogue.service_by_code[item.product.service_type_code].name,
        )
        values = line_values(catalogue, charge, paid, now)
        note_coupons(values, parts)
        new[item.record.record_id] = line = BillLine(**values)
        session.add(line)
        note_lines(session, [line], paid.credits)
        outbox.publish(session, line_recorded(line, now))
        for covered in plan_values(charge, values):
            session.add(by_plan := BillLine(**covered))
            outbox.publish(session, line_recorded(by_plan, now))
    await shares.settle(session, now)
    state_arrears(session, list(new.values()), accounts, now)
    audit.record(session, principal, "usage.record", f"{len(records)} records", now)
    return [_charged({**known, **new}[record.record_id]) for record in records]


async def _known_lines(
    session: AsyncSession, records: Sequence[UsageRecord]
) -> dict[str, BillLine]:
    """Lines of records that were charged before; read after the lock, so none is charged twice."""
    ids = [record.record_id for record in records]
    lines = await session.scalars(
        select(BillLine)
        .join(
            ChargedUsage,
            and_(
                ChargedUsage.bill_cycle == BillLine.bill_cycle,
                ChargedUsage.line_id == BillLine.line_id,
            ),
        )
        .where(ChargedUsage.record_id.in_(ids))
    )
    return {line.usage_record_id or "": line for line in lines}


def _charged(line: BillLine) -> ChargedRecord:
    return ChargedRecord.of(line, record_id=line.usage_record_id, used_until=line.consume_time)
