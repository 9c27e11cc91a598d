"""The door to accounts: wire operations, the administrator's commands, and order's holds."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import Response

from billing.accounts.check_funds import CheckFunds, check_funds
from billing.accounts.grant_credit_line import GrantCreditLine, grant_credit_line
from billing.accounts.hold_funds import HoldFunds, hold_funds
from billing.accounts.list_balances import (
    ListCustomersBalances,
    ListPartnerBalances,
    list_customers_balances,
    list_partner_balances,
    show_customer_balances,
)
from billing.accounts.list_hold_options import ListHoldOptions, list_hold_options
from billing.accounts.native_answers import AccountAnswer, TopUpAnswer, native_top_up
from billing.accounts.prove_ledger import LedgerProof, prove_ledger
from billing.accounts.top_up_account import TopUpAccount, top_up_account
from chassis.answers import JsonAnswer
from chassis.authority import STANDALONE
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal, WrongPrincipalError
from chassis.routes import Router

router = Router()


@router.get("/v2/accounts/partner-accounts/balances")
async def partner_balances(
    query: Annotated[ListPartnerBalances, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
) -> Response:
    """list_partner_balances."""
    return JsonAnswer(await list_partner_balances(session, principal, query, now))


@router.post("/v2/accounts/customer-accounts/balances/batch-query")
async def customers_balances(
    body: ListCustomersBalances, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """list_customers_balances_detail."""
    return JsonAnswer(await list_customers_balances(session, principal, body, now))


@router.get("/v2/accounts/customer-accounts/balances")
async def customer_balances(
    principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """show_customer_account_balances."""
    return JsonAnswer(await show_customer_balances(session, principal, now))


@router.post("/api/accounts/{owner_id}/top-ups", response_model=TopUpAnswer)
async def top_up(
    owner_id: str,
    body: TopUpAccount,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Recharge a partner's or a customer's balance."""
    movement_id, account = await top_up_account(session, principal, owner_id, body, now)
    return await idempotency.answer(native_top_up(movement_id, account))


@router.put("/api/accounts/{owner_id}/credit-line", response_model=AccountAnswer)
async def credit_line(
    owner_id: str,
    body: GrantCreditLine,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Set a partner's or a customer's whole credit line."""
    account = await grant_credit_line(session, principal, owner_id, body, now)
    return await idempotency.answer(AccountAnswer.of(account))


@router.get("/api/ledger/proof", response_model=LedgerProof)
async def ledger_proof(session: HttpSession) -> Response:
    """Whether money was made or lost, and where."""
    return JsonAnswer(await prove_ledger(session))


@router.post("/internal/funds-checks", dependencies=[STANDALONE])
async def funds_check(
    body: CheckFunds, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """Whether the account could pay an amount now; nothing is held."""
    if not (principal.is_administrator or principal.id == body.customer_id):
        raise WrongPrincipalError
    await check_funds(session, body, now)
    return JsonAnswer({})


@router.post("/internal/holds", dependencies=[STANDALONE])
async def hold(
    body: HoldFunds, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """Hold money for an attempt to pay an order."""
    attempt = await hold_funds(session, principal, body, now)
    return JsonAnswer(
        {"cash_amount": f"{attempt.cash_amount:f}", "credit_amount": f"{attempt.credit_amount:f}"}
    )


@router.post("/internal/hold-options")
async def hold_options(
    body: ListHoldOptions, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """What cash and credit would pay of amounts; nothing is held."""
    if not (principal.is_administrator or principal.id == body.customer_id):
        raise WrongPrincipalError
    return JsonAnswer(await list_hold_options(session, body, now))
