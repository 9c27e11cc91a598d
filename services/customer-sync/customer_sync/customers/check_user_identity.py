"""check_user_identity: is a login name, phone or mailbox still free? Over all partners."""

from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import BadFieldError
from customer_sync.customers.contact_rules import is_email, is_searched_name, mobile_of
from customer_sync.customers.take_identity import EMAIL, MOBILE, NAME, accounts_with
from wire.types import WireRequest

AVAILABLE, USED = "available", "used_by_user"


class CheckUserIdentity(WireRequest, operation="check_user_identity"):
    """What to look for."""

    search_type: Literal["email", "mobile", "name"]
    search_value: str


async def check_user_identity(
    session: AsyncSession, wanted: CheckUserIdentity, mobile_accounts_max: int
) -> dict[str, Any]:
    """The answer; a phone may have several accounts, so its remaining number is told too.

    Raises:
        BadFieldError: the value does not look like what is searched (docs/domain/customers.md F16).

    """
    if wanted.search_type == "mobile":
        used = await accounts_with(session, MOBILE, _mobile(wanted.search_value))
        remaining = max(mobile_accounts_max - used, 0)
        return _answer(remaining > 0) | {"mobile_remain_available_num": remaining}
    kind = _checked_kind(wanted)
    return _answer(await accounts_with(session, kind, wanted.search_value) == 0)


def _mobile(value: str) -> str:
    mobile = mobile_of(value)
    if mobile is None:
        raise BadFieldError("search_value", "a phone like 0086-13000000000")
    return mobile


def _checked_kind(wanted: CheckUserIdentity) -> str:
    if wanted.search_type == "email":
        if not is_email(wanted.search_value):
            raise BadFieldError("search_value", "a mailbox with an @")
        return EMAIL
    if not is_searched_name(wanted.search_value):
        raise BadFieldError("search_value", "a login name")
    return NAME


def _answer(free: bool) -> dict[str, Any]:
    return {
        "error_code": "CBC.0000",
        "error_msg": "success",
        "check_result": AVAILABLE if free else USED,
    }
