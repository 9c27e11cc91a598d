"""Say what shall happen to pieces or payments of an order, a customer or a product."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.errors import BadFieldError, UnknownValueError
from chassis.identity import Principal
from chassis.ids import new_id
from order.sandbox.models import FAIL, PAYMENT, REVIEW, ProvisioningRule
from wire.codes import codes
from wire.types import Id, WireRequest

DELAY_SECONDS_MAX = 30 * 86_400
TIMES_MAX = 1_000_000
CODE_CHARACTERS_MAX = 20


class AddRule(WireRequest):
    """Exactly one of order_id, customer_id and product_id; a failure has a code.

    A review is for orders that are placed from now on, of a customer or with a product.
    """

    order_id: Id | None = None
    customer_id: Id | None = None
    product_id: Id | None = None
    at: Literal["provisioning", "payment"] = "provisioning"
    outcome: Literal["succeed", "fail", "hang", "review"]
    delay_seconds: Annotated[int, Field(ge=0, le=DELAY_SECONDS_MAX)] = 0
    code: Annotated[str, Field(min_length=1, max_length=CODE_CHARACTERS_MAX)] | None = None
    times: Annotated[int, Field(ge=1, le=TIMES_MAX)] | None = None


async def add_rule(
    session: AsyncSession, principal: Principal, wanted: AddRule, now: datetime
) -> ProvisioningRule:
    """It holds for what is asked for or paid from now on."""
    _check(wanted)
    rule = ProvisioningRule(
        rule_id=new_id(),
        order_id=wanted.order_id.upper() if wanted.order_id else None,
        customer_id=wanted.customer_id,
        product_id=wanted.product_id,
        at=wanted.at,
        outcome=wanted.outcome,
        delay_seconds=wanted.delay_seconds,
        code=wanted.code,
        times=wanted.times,
        used=0,
        created_at=now,
    )
    session.add(rule)
    about = {"at": rule.at, "outcome": rule.outcome, "code": rule.code}
    audit.record(session, principal, "provisioning_rule.add", rule.rule_id, now, **about)
    return rule


def _check(wanted: AddRule) -> None:
    scopes = (wanted.order_id, wanted.customer_id, wanted.product_id)
    if sum(scope is not None for scope in scopes) != 1:
        raise BadFieldError("order_id", "exactly one of order_id, customer_id and product_id")
    if wanted.at == PAYMENT and (wanted.outcome != FAIL or wanted.delay_seconds):
        raise BadFieldError("outcome", "a payment can only be refused, at once")
    if wanted.outcome == REVIEW and (wanted.order_id is not None or wanted.delay_seconds):
        raise BadFieldError("outcome", "an order is reviewed from its placing on, whatever its id")
    if (wanted.code is not None) != (wanted.outcome == FAIL):
        raise BadFieldError("code", "goes with fail, and only with fail")
    if wanted.code is not None and wanted.code not in codes():
        raise UnknownValueError("code")
