"""An amount may come with its currency; then it must be the account's."""

from billing.accounts.models import Account
from chassis.errors import BadFieldError


def refuse_other_currency(account: Account, named: str | None) -> None:
    """Refuse what was meant in another currency than the account's.

    Raises:
        BadFieldError: it is named, and another one.

    """
    if named not in (None, account.currency):
        raise BadFieldError("currency", f"the account's is {account.currency}")
