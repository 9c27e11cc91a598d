"""The door to what is rehearsed; there is none without SANDBOX."""

from typing import Annotated

from fastapi import Query, Response

from chassis.answers import JsonAnswer
from chassis.authority import IN_A_SANDBOX
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from order.sandbox.add_rule import AddRule, add_rule
from order.sandbox.list_rules import ListRules, RuleAnswer, RulesAnswer, list_rules
from order.sandbox.remove_rule import remove_rule

router = Router(dependencies=[IN_A_SANDBOX])
RULES = "/api/sandbox/provisioning-rules"


@router.post(RULES, response_model=RuleAnswer)
async def add(
    wanted: AddRule,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Say what shall happen to pieces or payments of an order, a customer or a product."""
    rule = await add_rule(session, principal, wanted, now)
    return await idempotency.answer(RuleAnswer.of(rule))


@router.get(RULES, response_model=RulesAnswer)
async def rules(
    wanted: Annotated[ListRules, Query()], _principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """The rules that there are."""
    return JsonAnswer(await list_rules(session, wanted))


@router.delete(RULES + "/{rule_id}")
async def remove(
    rule_id: str,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Take a rule away."""
    await remove_rule(session, principal, rule_id, now)
    return await idempotency.answer(None)
