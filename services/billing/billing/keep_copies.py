"""Keep our copies of others' things, and do what news means for accounts."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.open_accounts import hand_over_accounts, open_accounts
from billing.accounts.return_balance import return_balance
from billing.copies import Coupon, Customer, Package, Partner, PartnerVoucher, Resource, Unlinking
from chassis import copies
from chassis.restatement import is_known
from contracts.customer import CustomerEvent, CustomerUnlinked
from contracts.order import PackageEvent, ResourceEvent
from contracts.partner import PartnerEvent
from contracts.voucher import CardEvent, PartnerVoucherEvent, VoucherEvent
from wire.vocabulary import CouponType

COUPON_USABLE, CARD_USABLE = 2, 1  # statuses as events say them


async def keep_partner(session: AsyncSession, event: PartnerEvent) -> None:
    """Copy the partner and open its accounts."""
    values = {
        "partner_id": event.partner_id,
        "distributor_id": event.distributor_id,
        "name": event.name,
        "account_name": event.account_name,
        "kind": event.kind,
        "site": event.site,
        "currency": event.currency,
        "coupon_mode": event.coupon_mode,
        "version": event.version,
    }
    await copies.keep(session, Partner, values)
    await open_accounts(session, Partner(**values))


async def keep_customer(session: AsyncSession, event: CustomerEvent) -> None:
    """Copy the customer; open, hand over or empty its accounts as its association says.

    Its balance returns to the partner when it stops being a resale customer, by unlinking or by
    a switch (SOURCE_OPERATION_BEUNBIND, docs/domain/association.md B.3, docs/domain/accounts.md
    B.10). Stated again, the customer is only copied: no money follows from what is no new fact.
    """
    before = await session.get(
        Customer, event.customer_id, with_for_update=True, populate_existing=True
    )
    if before is not None and is_known(before.version, event):
        return
    was_resale, former = (before.is_resale, before.partner_id) if before else (False, None)
    moved = before is not None and _owners(before) != (event.partner_id, event.distributor_id)
    await copies.keep(session, Customer, _values(event))
    customer = Customer(**_values(event))
    if before is None:
        await open_accounts(session, customer)
    ended = was_resale and (not customer.is_resale or former != event.partner_id)
    if ended and former and not event.restated:
        await return_balance(session, former, event.customer_id, event.occurred_at)
    if moved:
        await session.flush()
        await hand_over_accounts(session, customer)


async def keep_package(session: AsyncSession, event: PackageEvent) -> None:
    """Copy the package; what is left of its cycles is known here and nowhere else."""
    values = {
        "package_id": event.package_id,
        "customer_id": event.customer_id,
        "partner_id": event.partner_id,
        "distributor_id": event.distributor_id,
        "region_code": event.region_code,
        "quota_reuse_cycle": event.quota_reuse_cycle,
        "quota_reuse_cycle_type": event.quota_reuse_cycle_type,
        "status": event.status,
        "effective_at": event.effective_at,
        "expire_at": event.expire_at,
        "items": [item.model_dump(mode="json", exclude={"amount"}) for item in event.items],
        "product_id": event.product_id,
        "version": event.version,
    }
    await copies.keep(session, Package, values)


async def keep_resource(session: AsyncSession, event: ResourceEvent) -> None:
    """Copy the resource."""
    values = {
        "resource_id": event.resource_id,
        "customer_id": event.customer_id,
        "partner_id": event.partner_id,
        "distributor_id": event.distributor_id,
        "service_type_code": event.service_type_code,
        "resource_type_code": event.resource_type_code,
        "resource_spec_code": event.resource_spec_code,
        "region_code": event.region_code,
        "charging_mode": event.charging_mode,
        "status": event.status,
        "expire_at": event.expire_at,
        "main_resource_id": event.main_resource_id,
        "resource_name": event.resource_name,
        "product_id": event.product_id,
        "measure_size": event.measure_size,
        "version": event.version,
    }
    await copies.keep(session, Resource, values)


async def keep_partner_voucher(session: AsyncSession, event: PartnerVoucherEvent) -> None:
    """Copy the voucher; what it may pay for stays when an older event does not tell it."""
    values: dict[str, object] = {
        "voucher_id": event.voucher_id,
        "partner_id": event.partner_id,
        "distributor_id": event.distributor_id,
        "currency": event.currency,
        "balance": event.balance,
        "effective_at": event.effective_at,
        "expire_at": event.expire_at,
        "version": event.version,
    }
    if event.limits is not None:
        values["limits"] = event.limits.model_dump(mode="json")
    await copies.keep(session, PartnerVoucher, values)


async def keep_coupon(session: AsyncSession, event: VoucherEvent) -> None:
    """Copy whether the coupon has money that usage may be paid with."""
    pays = event.coupon_type in (CouponType.CASH, CouponType.FLEXI)
    values = {
        "coupon_id": event.coupon_id,
        "customer_id": event.customer_id,
        "partner_id": event.partner_id,
        "distributor_id": event.distributor_id,
        "is_usable": pays and event.status == COUPON_USABLE and event.balance > 0,
        "effective_at": event.effective_at,
        "expire_at": event.expire_at,
        "version": event.version,
    }
    await copies.keep(session, Coupon, values)


async def keep_card(session: AsyncSession, event: CardEvent) -> None:
    """The same of a stored value card."""
    values = {
        "coupon_id": event.card_id,
        "customer_id": event.customer_id,
        "partner_id": event.partner_id,
        "distributor_id": event.distributor_id,
        "is_usable": event.status == CARD_USABLE and event.balance > 0,
        "effective_at": event.effective_at,
        "expire_at": event.expire_at,
        "version": event.version,
    }
    await copies.keep(session, Coupon, values)


async def note_unlinking(session: AsyncSession, event: CustomerUnlinked) -> None:
    """Remember when the customer left; heard again, nothing changes."""
    row = {
        "customer_id": event.customer_id,
        "at": event.occurred_at,
        "partner_id": event.partner_id,
        "distributor_id": event.distributor_id,
    }
    await session.execute(insert(Unlinking).values(row).on_conflict_do_nothing())


def _owners(customer: Customer) -> tuple[str, str | None]:
    return customer.partner_id, customer.distributor_id


def _values(event: CustomerEvent) -> dict[str, object]:
    return {
        "customer_id": event.customer_id,
        "partner_id": event.partner_id,
        "distributor_id": event.distributor_id,
        "account_name": event.account_name,
        "customer_name": event.customer_name,
        "site": event.site,
        "currency": event.currency,
        "association_type": event.association_type,
        "association_status": event.association_status,
        "account_manager_id": event.account_manager_id,
        "is_enterprise_master": event.is_enterprise_master,
        "label": event.label,
        "enterprise_master_id": event.enterprise_master_id,
        "financial_custody": event.financial_custody,
        "shows_consumption": event.shows_consumption,
        "version": event.version,
    }
