"""Keep our copies of partners and customers, and do what their news means for their accounts."""

from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.open_accounts import hand_over_accounts, open_accounts
from billing.accounts.return_balance import return_balance
from billing.copies import Customer, Partner
from chassis import copies
from chassis.restatement import is_known
from contracts.customer import CustomerEvent
from contracts.partner import PartnerEvent


async def keep_partner(session: AsyncSession, event: PartnerEvent) -> None:
    """Copy the partner and open its accounts."""
    values = {
        "partner_id": event.partner_id,
        "distributor_id": event.distributor_id,
        "kind": event.kind,
        "site": event.site,
        "currency": event.currency,
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
        "version": event.version,
    }
