"""On-demand usage is rated, charged and put on the bill."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import ZERO, AccountMissingError
from billing.accounts.post_movement import (
    USAGE,
    Cause,
    OwnerAccounts,
    lock_accounts,
    post_movement,
)
from billing.bills.models import BillLine
from billing.bills.state_line import state_line
from billing.copies import Customer
from billing.prices.catalogue import ON_DEMAND, Catalogue, Product, ProductNotFoundError
from billing.prices.rate import Fee, Usage, rate_usage
from chassis import copies
from chassis.errors import BadFieldError
from chassis.ids import new_id
from chassis.outbox import publish
from contracts.billing import BillingArrearsOpened
from wire.times import BEIJING, beijing_day, cycle_bounds, cycle_of
from wire.types import NativeInstant

RECORDS_MAX = 500
BILL_TYPE_USAGE = 5  # docs/domain/bills.md B.8
FINAL_DAY, FINAL_HOUR = 5, 12  # a cycle is final on the 5th of the next month at 12:00 Beijing


class UsageRecord(BaseModel):
    """What a resource used, as the meter says. `usage_value` is in `usage_measure_id`s."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    record_id: str = Field(min_length=1, max_length=64)
    customer_id: str = Field(min_length=1, max_length=64)
    service_type_code: str
    resource_type_code: str
    resource_spec_code: str
    region_code: str
    resource_id: str = Field(min_length=1, max_length=64)
    resource_name: str | None = Field(default=None, max_length=128)
    usage_value: Decimal = Field(gt=0, lt=Decimal(10) ** 15, decimal_places=10)
    usage_measure_id: int = 4  # hour
    measure_size: Decimal | None = Field(default=None, gt=0, lt=Decimal(10) ** 9)
    used_until: NativeInstant
    charged_at: NativeInstant | None = Field(default=None, description="now, when absent")


class UsageRecords(BaseModel):
    """The body of POST /api/usage-records."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    records: list[UsageRecord] = Field(min_length=1, max_length=RECORDS_MAX)


@dataclass(frozen=True, slots=True)
class _Rated:
    record: UsageRecord
    product: Product
    customer: Customer
    fee: Fee
    charged_at: datetime


async def record_usage(
    session: AsyncSession, catalogue: Catalogue, records: Sequence[UsageRecord], now: datetime
) -> list[dict[str, Any]]:
    """Rate each record, charge it and write its line, all or none; one that is known stays as is.

    The charge takes cash, then credit, and what is missing is owed (docs/domain/accounts.md B.10).
    Coupons are not used for usage: voucher reserves them for orders only.

    Raises:
        BadFieldError: a record twice in one request, or a charge outside the open cycles.
        AccountMissingError: a customer that nobody has named.
        ProductNotFoundError, UnitNotFoundError, UnitNotConvertibleError

    """
    if len({record.record_id for record in records}) < len(records):
        raise BadFieldError("records.record_id", "must not repeat")
    customers = await _customers(session, [record.customer_id for record in records])
    rated = [_rate(catalogue, record, customers[record.customer_id], now) for record in records]
    accounts = await lock_accounts(session, *customers)
    known = await _known_lines(session, records)
    new = {
        item.record.record_id: _charge(
            session, catalogue, item, accounts[item.customer.customer_id], now
        )
        for item in rated
        if item.record.record_id not in known
    }
    _state_arrears(session, list(new.values()), accounts, now)
    return [_answer({**known, **new}[record.record_id]) for record in records]


async def _known_lines(
    session: AsyncSession, records: Sequence[UsageRecord]
) -> dict[str, BillLine]:
    """Lines of records that were charged before; read after the lock, so none is charged twice."""
    ids = [record.record_id for record in records]
    lines = await session.scalars(select(BillLine).where(BillLine.usage_record_id.in_(ids)))
    return {line.usage_record_id or "": line for line in lines}


async def _customers(session: AsyncSession, ids: Sequence[str]) -> dict[str, Customer]:
    """All of them, waiting for the first that is not known yet; AccountMissingError."""
    known = await session.scalars(select(Customer).where(Customer.customer_id.in_(ids)))
    customers = {customer.customer_id: customer for customer in known}
    for customer_id in ids:
        if customer_id not in customers:
            late = await copies.find(session, Customer, customer_id)
            if late is None:
                raise AccountMissingError(customer_id)
            customers[customer_id] = late
    return customers


def _rate(catalogue: Catalogue, record: UsageRecord, customer: Customer, now: datetime) -> _Rated:
    product = catalogue.find_product(
        record.service_type_code,
        record.resource_type_code,
        record.resource_spec_code,
        record.region_code,
    )
    charged_at = record.charged_at or now
    if not cycle_is_open(charged_at, now):
        raise BadFieldError("records.charged_at", "its cycle is final, or it lies ahead")
    price = product.price_at(customer.currency, record.used_until)
    if price is None or price.hour is None:
        raise ProductNotFoundError(f"{product.id} has no on-demand price")
    if product.size_measure_id and record.measure_size is None:
        raise BadFieldError("records.measure_size", "needed for a linear product")
    numerator, denominator = catalogue.ratio(record.usage_measure_id, product.usage_measure_id)
    size = record.measure_size if product.size_measure_id else None
    usage = Usage(record.usage_value, numerator, denominator, size or Decimal(1))
    fee = rate_usage(price.hour, price.discount, usage)
    return _Rated(record, product, customer, fee, charged_at)


def cycle_is_open(charged_at: datetime, now: datetime) -> bool:
    """Whether a charge may still enter its cycle: not ahead of now, not final.

    See docs/domain/bills.md B.8.
    """
    _, end = cycle_bounds(cycle_of(charged_at))
    last_day = end.astimezone(BEIJING) + timedelta(days=FINAL_DAY - 1)
    final_at = datetime.combine(last_day.date(), time(FINAL_HOUR), BEIJING)
    return charged_at <= now < final_at


def _charge(
    session: AsyncSession,
    catalogue: Catalogue,
    item: _Rated,
    accounts: OwnerAccounts,
    now: datetime,
) -> BillLine:
    """Take cash, then credit, then let it be owed; write and state the line."""
    payable = item.fee.payable
    cash = min(payable, accounts.balance.available)
    credit = min(payable - cash, accounts.credit.available)
    debt = payable - cash - credit
    trade_id = new_id()
    if payable:
        cause = Cause(USAGE, now, item.customer.customer_id, movement_id=trade_id)
        post_movement(
            session,
            cause,
            (accounts.balance, -cash),
            (accounts.credit, -credit),
            (accounts.arrears, -debt),
            (accounts.charges, payable),
        )
    line = _bill_line(catalogue, item, trade_id, (cash, credit, debt))
    session.add(line)
    state_line(session, line, now)
    return line


def _bill_line(
    catalogue: Catalogue, item: _Rated, trade_id: str, paid: tuple[Decimal, Decimal, Decimal]
) -> BillLine:
    record, product, customer, fee = item.record, item.product, item.customer, item.fee
    cash, credit, debt = paid
    return BillLine(
        line_id=new_id(),
        customer_id=customer.customer_id,
        partner_id=customer.partner_id,
        distributor_id=customer.distributor_id,
        association_type=customer.association_type,
        account_manager_id=customer.account_manager_id,
        site=customer.site,
        currency=customer.currency,
        bill_cycle=cycle_of(item.charged_at),
        bill_date=beijing_day(item.charged_at),
        bill_type=BILL_TYPE_USAGE,
        charging_mode=ON_DEMAND,
        trade_id=trade_id,
        usage_record_id=record.record_id,
        resource_id=record.resource_id,
        resource_name=record.resource_name,
        service_type_code=product.service_type_code,
        service_type_name=catalogue.service_by_code[product.service_type_code].name,
        resource_type_code=product.resource_type_code,
        resource_type_name=catalogue.resource_by_code[product.resource_type_code].name,
        resource_spec_code=product.resource_spec_code,
        product_id=product.id,
        region_code=record.region_code,
        trade_time=item.charged_at,
        consume_time=record.used_until,
        usage_type=product.usage_factor,
        usage_amount=record.usage_value,
        usage_measure_id=record.usage_measure_id,
        official_amount=fee.official,
        official_discount_amount=fee.discount,
        erase_amount=fee.erased,
        payment_amount=fee.payable,
        coupon_amount=ZERO,
        flexipurchase_coupon_amount=ZERO,
        cash_amount=cash,
        credit_amount=credit,
        debt_amount=debt,
        writeoff_amount=ZERO,
    )


def _state_arrears(
    session: AsyncSession,
    new: Sequence[BillLine],
    accounts: Mapping[str, OwnerAccounts],
    now: datetime,
) -> None:
    """Say once per customer what it owes after all of its charges, if they made it owe more."""
    for customer_id in dict.fromkeys(line.customer_id for line in new if line.debt_amount):
        arrears = accounts[customer_id].arrears
        publish(
            session,
            BillingArrearsOpened(
                occurred_at=now,
                partner_id=arrears.partner_id,
                distributor_id=arrears.distributor_id,
                version=arrears.version,
                customer_id=customer_id,
                currency=arrears.currency,
                debt_amount=-arrears.balance,
            ),
        )


def _answer(line: BillLine) -> dict[str, Any]:
    return {
        "record_id": line.usage_record_id,
        "line_id": line.line_id,
        "official_amount": f"{line.official_amount:f}",
        "erase_amount": f"{line.erase_amount:f}",
        "payment_amount": f"{line.payment_amount:f}",
        "cash_amount": f"{line.cash_amount:f}",
        "credit_amount": f"{line.credit_amount:f}",
        "debt_amount": f"{line.debt_amount:f}",
    }
