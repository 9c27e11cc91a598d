"""A package was given back: nothing is taken from it any more, and what just was is charged."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.dated_credit import note_lines
from billing.accounts.post_movement import OwnerAccounts, lock_accounts
from billing.copies import Customer
from billing.cycles.find_cycle import cycles_taking
from billing.keep_copies import keep_package
from billing.lines.facts import line_recorded
from billing.lines.models import BillLine, ChargedUsage
from billing.lines.roll_up import stand_like
from billing.prices.products import flat
from billing.prices.rate import Fee, Usage, rate_usage
from billing.usage.models import PackageDeduction
from billing.usage.pay_usage import Paid, pay_usage, state_arrears
from billing.usage.when_it_counts import counts_at, late_for
from chassis import outbox
from chassis.ids import new_id
from contracts.order import PackageUnsubscribed
from wire.times import beijing_day, cycle_of


async def charge_given_back(session: AsyncSession, event: PackageUnsubscribed) -> None:
    """Copy it below the locks that takers have; charge the deductions that order had not heard of.

    It was given back because nothing of it was used, as far as order knew: whatever was taken
    meanwhile is charged as if the package had not been there (decision 0091), to whoever pays for
    the customer now.
    """
    customer = await session.get(Customer, event.customer_id, populate_existing=True)
    payer_id = customer.payer_id if customer else event.customer_id
    accounts = await lock_accounts(session, *{event.customer_id, payer_id})
    await keep_package(session, event)
    found = await session.scalars(
        select(PackageDeduction)
        .where(
            PackageDeduction.package_id == event.package_id,
            PackageDeduction.charged_at.is_(None),
        )
        .order_by(PackageDeduction.deduction_id)
        .execution_options(populate_existing=True)
    )
    lines = [await _charge(session, deduction, accounts[payer_id], event) for deduction in found]
    state_arrears(session, lines, accounts, event.occurred_at)


async def _charge(
    session: AsyncSession,
    deduction: PackageDeduction,
    accounts: OwnerAccounts,
    event: PackageUnsubscribed,
) -> BillLine:
    now = event.occurred_at
    fee = rate_usage(flat(deduction.price), deduction.discount, Usage(deduction.used_amount))
    paid = pay_usage(session, accounts, fee.payable, now)
    record = await session.get_one(ChargedUsage, deduction.record_id)
    of_record = await session.get_one(BillLine, (record.line_id, record.bill_cycle))
    taking = await cycles_taking(session, [of_record.consume_time], now)
    trade_time = counts_at(of_record.consume_time, now, taking)
    line = _line(of_record, deduction, fee, paid, trade_time)
    line.known_at = now
    stand_like(line, of_record)
    if accounts.owner_id != line.customer_id:
        line.payer_id = accounts.owner_id
    session.add(line)
    note_lines(session, [line], paid.credits)
    outbox.publish(session, line_recorded(line, now))
    deduction.charged_at = now
    return line


def _line(
    of_record: BillLine, deduction: PackageDeduction, fee: Fee, paid: Paid, trade_time: datetime
) -> BillLine:
    """As the line of the same use, for the part that was taken."""
    return BillLine(
        line_id=new_id(),
        customer_id=of_record.customer_id,
        partner_id=of_record.partner_id,
        distributor_id=of_record.distributor_id,
        association_type=of_record.association_type,
        account_manager_id=of_record.account_manager_id,
        site=of_record.site,
        currency=of_record.currency,
        bill_cycle=cycle_of(trade_time),
        bill_date=beijing_day(trade_time),
        bill_type=of_record.bill_type,
        charging_mode=of_record.charging_mode,
        trade_id=paid.trade_id,
        usage_record_id=f"{deduction.record_id}/{deduction.deduction_id}",
        resource_id=of_record.resource_id,
        resource_name=of_record.resource_name,
        service_type_code=of_record.service_type_code,
        service_type_name=of_record.service_type_name,
        resource_type_code=of_record.resource_type_code,
        resource_type_name=of_record.resource_type_name,
        resource_spec_code=of_record.resource_spec_code,
        product_id=of_record.product_id,
        region_code=of_record.region_code,
        trade_time=trade_time,
        consume_time=of_record.consume_time,
        used_from=deduction.used_from,
        usage_type=of_record.usage_type,
        usage_amount=deduction.used_amount,
        usage_measure_id=deduction.measure_id,
        official_amount=fee.official,
        official_discount_amount=fee.discount,
        erase_amount=fee.erased,
        payment_amount=fee.payable,
        **paid.by_money,
        version=1,
        late_for=late_for(of_record.consume_time, trade_time),
        corrects=of_record.line_id,
        customer_label=of_record.customer_label,
        product_name=of_record.product_name,
        enterprise_project_id=of_record.enterprise_project_id,
        enterprise_project_name=of_record.enterprise_project_name,
        tags=of_record.tags,
        spec_size=of_record.spec_size,
        spec_size_measure_id=of_record.spec_size_measure_id,
        unit_price=deduction.price,
    )
