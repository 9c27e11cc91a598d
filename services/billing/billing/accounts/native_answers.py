"""What the native API shows of accounts; amounts are texts of two decimals."""

from datetime import datetime

from billing.accounts.models import Account
from wire.native import Money, NativeAnswer


class AccountAnswer(NativeAnswer):
    """An account; what may be spent is `balance - held`."""

    account_id: str
    account_type: int
    owner_id: str
    currency: str
    balance: Money
    held: Money
    designated_amount: Money
    expires_at: datetime | None  # of credit that ends


class TopUpAnswer(AccountAnswer):
    """The account after money came in, and the movement that brought it."""

    movement_id: str


def native_top_up(movement_id: str, account: Account) -> TopUpAnswer:
    """The account after that movement."""
    return TopUpAnswer.of(account, movement_id=movement_id)
