"""A refund gives the money back to whoever paid, and becomes negative lines of the bill."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.dated_credit import give_credit_back
from billing.accounts.models import ZERO, Account
from billing.accounts.post_movement import (
    UNSUBSCRIBE,
    Cause,
    OwnerAccounts,
    lock_accounts,
    post_movement,
)
from billing.accounts.write_off_arrears import write_off_arrears
from billing.bills.models import RecordedRefund
from billing.bills.record_paid_order import UnknownCustomerError
from billing.copies import Customer
from billing.cycles.find_cycle import cycles_taking
from billing.lines.facts import line_recorded
from billing.lines.models import BillLine
from billing.lines.roll_up import stand_like
from chassis import copies, outbox
from chassis.move_clock import business_now
from contracts.order import OrderLine, OrderRefunded, RefundPart
from wire.times import beijing_day, cycle_of

# docs/domain/resources.md H.10: the bill type of what an order of each type gives back.
BILL_TYPE_OF_REFUND = {3: 20, 4: 4, 10: 24}
PARTNER = "partner"  # kind of owner
RENEWALS = (2, 8)  # bill types
# docs/domain/partner-vouchers.md H.21: the cases; the first and the last are order's rules, too.
NOT_EFFECTIVE, PROVISIONING_FAILED = "not_effective", "provisioning_failed"
RENEWAL_NOT_EFFECTIVE = "renewal_not_effective"


async def record_refund(session: AsyncSession, event: OrderRefunded) -> None:
    """Move the money back and write one negative line for each period; once per refund.

    Money that reaches a customer's account pays its arrears first (docs/domain/resources.md H.9).

    Raises:
        UnknownCustomerError, ValueError: the event cannot be true; it is parked.

    """
    new = await _not_recorded(session, event)
    if not new:
        return
    customer = await copies.find(session, Customer, event.customer_id)
    if customer is None:
        raise UnknownCustomerError(event.customer_id)
    by_payer: defaultdict[str, list[RefundPart]] = defaultdict(list)
    for part in new:
        by_payer[part.payer_id or event.customer_id].append(part)
    locked = await lock_accounts(session, *sorted(by_payer))
    for payer_id, parts in sorted(by_payer.items()):
        accounts = locked[payer_id]
        back = await _credit_back(session, accounts, parts)
        new = [back.parts.get(part.refund_id, part) for part in new]
        money = sum((part.cash_amount + part.credit_amount for part in parts), ZERO)
        if not money:
            continue
        is_partner = accounts.balance.owner_kind == PARTNER
        whose = event.customer_id if is_partner else payer_id
        cause = Cause(UNSUBSCRIBE, event.occurred_at, whose, event.order_id)
        post_movement(
            session,
            cause,
            (accounts.charges, -money),
            (accounts.balance, money - sum(back.taken.values(), ZERO)),
            *((account, amount) for account, amount in back.taken.items()),
        )
        await write_off_arrears(session, accounts, event.occurred_at)
    lines = {line.line_id: line for line in event.lines}
    paid_by = await _lines_that_paid(session, new)
    heard_at = await session.scalar(select(business_now())) or event.occurred_at
    taking = await cycles_taking(session, [event.occurred_at], None)
    for part in new:
        bill_line = _bill_line(event, lines[part.line_id], part, customer)
        bill_line.known_at = heard_at
        if bill_line.bill_cycle not in taking:
            bill_line.come_late(heard_at)
        _point_back(bill_line, part, paid_by.get((part.base_order_id, part.base_line_id)))
        session.add(bill_line)
        outbox.publish(session, line_recorded(bill_line, event.occurred_at))


async def _lines_that_paid(
    session: AsyncSession, parts: Sequence[RefundPart]
) -> dict[tuple[str, str], BillLine]:
    """The lines of the bill that what goes back had paid, by order and order line."""
    found = await session.scalars(
        select(BillLine)
        .where(BillLine.order_id.in_({part.base_order_id for part in parts}))
        .where(BillLine.order_line_id.in_({part.base_line_id for part in parts}))
        .where(BillLine.corrects.is_(None))
    )
    return {(line.order_id or "", line.order_line_id or ""): line for line in found}


def _point_back(line: BillLine, part: RefundPart, paid: BillLine | None) -> None:
    """Name the line that is refunded, and the case in which a partner's voucher comes back."""
    line.pre_order_id = part.base_order_id
    is_renewal = paid is not None and paid.bill_type in RENEWALS
    if part.rule == NOT_EFFECTIVE:
        line.refund_case = RENEWAL_NOT_EFFECTIVE if is_renewal else NOT_EFFECTIVE
    elif part.rule == PROVISIONING_FAILED:
        line.refund_case = PROVISIONING_FAILED
    if paid is None:
        return
    line.corrects = paid.line_id
    line.enterprise_project_id = paid.enterprise_project_id
    line.enterprise_project_name = paid.enterprise_project_name
    line.tags = paid.tags
    if paid.resource_id is not None:
        stand_like(line, paid)
    line.period_type, line.period_num = paid.period_type, paid.period_num


@dataclass(slots=True)
class _Back:
    """The credit that accounts take back, and the parts whose credit comes back as money."""

    taken: dict[Account, Decimal] = field(default_factory=dict)
    parts: dict[str, RefundPart] = field(default_factory=dict)


async def _credit_back(
    session: AsyncSession, accounts: OwnerAccounts, parts: Sequence[RefundPart]
) -> _Back:
    """To the accounts that gave it; as money where its master took it back meanwhile (0131)."""
    back = _Back()
    for part in parts:
        if not part.credit_amount:
            continue
        taken = await give_credit_back(
            session, accounts, part.base_line_id, part.credit_amount, back.taken
        )
        if taken < part.credit_amount:
            as_money = part.cash_amount + part.credit_amount - taken
            back.parts[part.refund_id] = part.model_copy(
                update={"cash_amount": as_money, "credit_amount": taken}
            )
    return back


async def _not_recorded(session: AsyncSession, event: OrderRefunded) -> list[RefundPart]:
    """The parts that were not recorded before; they are from now on."""
    if not event.refunds:
        return []
    rows = [
        {
            "refund_id": part.refund_id,
            "order_id": event.order_id,
            "partner_id": event.partner_id,
            "distributor_id": event.distributor_id,
            "recorded_at": event.occurred_at,
        }
        for part in event.refunds
    ]
    statement = insert(RecordedRefund).values(rows).on_conflict_do_nothing()
    made = set(await session.scalars(statement.returning(RecordedRefund.refund_id)))
    return [part for part in event.refunds if part.refund_id in made]


def _bill_line(
    event: OrderRefunded, line: OrderLine, part: RefundPart, customer: Customer
) -> BillLine:
    """What went back, negative; whose customer it is now."""
    bill_type = BILL_TYPE_OF_REFUND.get(event.order_type)
    if bill_type is None:
        raise ValueError(f"no bill type for a refund of order type {event.order_type}")
    amount = _amount(part)
    return BillLine(
        line_id=uuid5(NAMESPACE_OID, part.refund_id).hex,
        customer_id=event.customer_id,
        payer_id=part.payer_id,
        partner_id=event.partner_id,
        distributor_id=event.distributor_id,
        association_type=customer.association_type,
        account_manager_id=customer.account_manager_id,
        site=customer.site,
        currency=event.currency,
        bill_cycle=cycle_of(event.occurred_at),
        bill_date=beijing_day(event.occurred_at),
        bill_type=bill_type,
        charging_mode=line.charging_mode,
        trade_id=event.order_id,
        order_id=event.order_id,
        order_type=event.order_type,
        order_line_id=line.line_id,
        relative_order_id=line.member_order_id,
        customer_label=customer.label,
        resource_id=part.resource_id,
        service_type_code=line.service_type_code,
        service_type_name=line.service_type_name,
        resource_type_code=line.resource_type_code,
        resource_type_name=line.resource_type_name,
        resource_spec_code=line.resource_spec_code,
        product_id=line.product_id,
        region_code=line.region_code,
        trade_time=event.occurred_at,
        consume_time=event.occurred_at,
        official_amount=-amount,
        official_discount_amount=ZERO,
        erase_amount=ZERO,
        payment_amount=-amount,
        coupon_amount=-part.coupon_amount,
        flexipurchase_coupon_amount=-part.flexipurchase_coupon_amount,
        stored_value_card_amount=-part.stored_card_amount,
        bonus_amount=ZERO,
        cash_amount=-part.cash_amount,
        credit_amount=-part.credit_amount,
        debt_amount=ZERO,
        writeoff_amount=ZERO,
        version=1,
    )


def _amount(part: RefundPart) -> Decimal:
    return (
        part.coupon_amount
        + part.flexipurchase_coupon_amount
        + part.stored_card_amount
        + part.cash_amount
        + part.credit_amount
    )
