"""The rules that there are, page by page, the oldest first."""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.cursors import cursor_after, keys_after
from order.sandbox.models import ProvisioningRule
from wire.native import NativeAnswer
from wire.types import NativeQuery

RULES = "provisioning_rules"
PAGE_DEFAULT, PAGE_MAX = 50, 500  # rules


class ListRules(NativeQuery):
    """The query of GET /api/sandbox/provisioning-rules."""

    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT


class RuleAnswer(NativeAnswer):
    """A rule, and how many pieces or payments had it."""

    rule_id: str
    order_id: str | None
    customer_id: str | None
    product_id: str | None
    at: str
    outcome: str
    delay_seconds: int
    code: str | None
    times: int | None
    used: int
    created_at: datetime


class RulesAnswer(NativeAnswer):
    """A page of rules; `next` goes into `after` for the next page, null on the last one."""

    rules: list[RuleAnswer]
    next: str | None


async def list_rules(session: AsyncSession, wanted: ListRules) -> RulesAnswer:
    """Their ids sort by the time they were made."""
    beyond = keys_after(RULES, wanted.after)[0] if wanted.after is not None else ""
    found = await session.scalars(
        select(ProvisioningRule)
        .where(ProvisioningRule.rule_id > beyond)
        .order_by(ProvisioningRule.rule_id)
        .limit(wanted.limit + 1)
    )
    rules = found.all()
    page = rules[: wanted.limit]
    more = cursor_after(RULES, page[-1].rule_id) if len(rules) > wanted.limit else None
    return RulesAnswer(rules=[RuleAnswer.of(rule) for rule in page], next=more)
