"""A partner that joined and a customer that registered have accounts from then on."""

from sqlalchemy import Table, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import ARREARS, BALANCE, CHARGES, CREDIT, CREDIT_LINE, FUNDING, Account
from billing.copies import Customer, Partner
from chassis.ids import new_id

OWN_TYPES = {
    "partner": (BALANCE, CREDIT, FUNDING, CREDIT_LINE, CHARGES),
    "customer": (BALANCE, CREDIT, FUNDING, CREDIT_LINE, CHARGES, ARREARS),
}


async def open_accounts(session: AsyncSession, owner: Partner | Customer) -> None:
    """Open what the owner does not have yet, with nothing on it."""
    is_customer = isinstance(owner, Customer)
    kind = "customer" if is_customer else "partner"
    rows = [
        {
            "account_id": new_id(),
            "owner_id": owner.customer_id if isinstance(owner, Customer) else owner.partner_id,
            "owner_kind": kind,
            "account_type": account_type,
            "partner_id": owner.partner_id,
            "distributor_id": owner.distributor_id,
            "site": owner.site,
            "currency": owner.currency,
        }
        for account_type in OWN_TYPES[kind]
    ]
    # As many executions of one statement: one of many rows would be compiled again each time.
    table = Account.__table__
    assert isinstance(table, Table)
    opened = insert(table).on_conflict_do_nothing(
        index_elements=["owner_id", "account_type", "expires_at"]
    )
    await session.execute(opened, rows)


async def hand_over_accounts(session: AsyncSession, customer: Customer) -> None:
    """The accounts follow the customer to its present partner."""
    await session.execute(
        update(Account)
        .where(Account.owner_id == customer.customer_id)
        .values(partner_id=customer.partner_id, distributor_id=customer.distributor_id)
    )
