"""Take a rule away: what hung by it is asked for again, and done."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.errors import NotFoundError
from chassis.identity import Principal
from order.sandbox.models import ProvisioningRule


class RuleNotFoundError(NotFoundError):
    """There is no such rule."""


async def remove_rule(
    session: AsyncSession, principal: Principal, rule_id: str, now: datetime
) -> None:
    """What it did stays done.

    Raises:
        RuleNotFoundError

    """
    rule = await session.get(ProvisioningRule, rule_id, with_for_update=True)
    if rule is None:
        raise RuleNotFoundError
    await session.delete(rule)
    audit.record(session, principal, "provisioning_rule.remove", rule_id, now, used=rule.used)
