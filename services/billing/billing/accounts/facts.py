"""The events of accounts: each says how the account is after it."""

from datetime import datetime
from decimal import Decimal

from billing.accounts.models import Account
from contracts.billing import BillingArrearsCleared, BillingArrearsOpened, BillingFundsMoved


def funds_moved(
    account: Account,
    amount: Decimal,
    now: datetime,
    movement_id: str,
    reason: str,
    order_id: str | None = None,
    counterparty_id: str | None = None,
) -> BillingFundsMoved:
    """A balance or a hold changed."""
    return BillingFundsMoved(
        occurred_at=now,
        partner_id=account.partner_id,
        distributor_id=account.distributor_id,
        version=account.version,
        account_id=account.account_id,
        owner_id=account.owner_id,
        owner_kind=account.owner_kind,
        account_type=account.account_type,
        currency=account.currency,
        amount=amount,
        balance=account.balance,
        held=account.held,
        credit_amount=account.credit_amount,
        expires_at=account.expires_at,
        movement_id=movement_id,
        reason=reason,
        counterparty_id=counterparty_id,
        order_id=order_id,
    )


def arrears_opened(arrears: Account, now: datetime) -> BillingArrearsOpened:
    """A charge was larger than what the customer had; this is all that it owes now."""
    return BillingArrearsOpened(
        occurred_at=now,
        partner_id=arrears.partner_id,
        distributor_id=arrears.distributor_id,
        version=arrears.version,
        customer_id=arrears.owner_id,
        currency=arrears.currency,
        debt_amount=-arrears.balance,
    )


def arrears_cleared(arrears: Account, paid: Decimal, now: datetime) -> BillingArrearsCleared:
    """What is still owed after `paid` was written off."""
    return BillingArrearsCleared(
        occurred_at=now,
        partner_id=arrears.partner_id,
        distributor_id=arrears.distributor_id,
        version=arrears.version,
        customer_id=arrears.owner_id,
        currency=arrears.currency,
        debt_amount=-arrears.balance,
        writeoff_amount=paid,
    )
