"""The door to accounts: wire operations, the administrator's commands, and order's holds."""

from decimal import Decimal
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from billing.accounts.find_parties import NotOwnCustomerError
from billing.accounts.grant_credit_line import grant_credit_line
from billing.accounts.hold_funds import WantedHold, hold_funds
from billing.accounts.list_balances import (
    CustomersBalances,
    PartnerBalancesQuery,
    list_customers_balances,
    list_partner_balances,
    show_customer_balances,
)
from billing.accounts.models import ZERO, Account
from billing.accounts.prove_ledger import prove_ledger
from billing.accounts.top_up_account import top_up_account
from billing.copies import Customer
from chassis import audit, copies
from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal, Principal, WrongPrincipalError
from chassis.routes import Router
from wire.types import Amount, Id, WireRequest

router = Router()

HOLD_MAX = Decimal(10) ** 15
FAILED_ATTEMPTS_MAX = 20  # named in one request


class TopUp(WireRequest):
    """The body of POST /api/accounts/{owner_id}/top-ups; a part may be earmarked."""

    amount: Amount
    designated_amount: Amount = ZERO


class CreditLine(WireRequest):
    """The body of PUT /api/accounts/{owner_id}/credit-line."""

    amount: Amount


class HoldBody(BaseModel):
    """The body of POST /internal/holds; an order that coupons pay whole holds 0."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    attempt_id: Id
    order_id: Id
    customer_id: Id
    amount: Decimal = Field(ge=0, lt=HOLD_MAX, decimal_places=2)
    failed_attempt_ids: list[str] = Field(default_factory=list, max_length=FAILED_ATTEMPTS_MAX)


def _administrator_only(principal: Principal) -> None:
    if not principal.is_administrator:
        raise WrongPrincipalError


@router.get("/v2/accounts/partner-accounts/balances")
async def partner_balances(
    query: Annotated[PartnerBalancesQuery, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """list_partner_balances."""
    return JsonAnswer(await list_partner_balances(session, principal, query))


@router.post("/v2/accounts/customer-accounts/balances/batch-query")
async def customers_balances(
    body: CustomersBalances, principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """list_customers_balances_detail."""
    return JsonAnswer(await list_customers_balances(session, principal, body))


@router.get("/v2/accounts/customer-accounts/balances")
async def customer_balances(principal: CurrentPrincipal, session: HttpSession) -> Response:
    """show_customer_account_balances."""
    return JsonAnswer(await show_customer_balances(session, principal))


@router.post("/api/accounts/{owner_id}/top-ups")
async def top_up(
    owner_id: str,
    body: TopUp,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Recharge a partner's or a customer's balance."""
    _administrator_only(principal)
    movement_id, account = await top_up_account(
        session, owner_id, body.amount, now, designated=body.designated_amount
    )
    audit.record(session, principal, "top_up_account", owner_id, now, amount=str(body.amount))
    return await idempotency.answer(201, {"movement_id": movement_id, **_account(account)})


@router.put("/api/accounts/{owner_id}/credit-line")
async def credit_line(
    owner_id: str, body: CreditLine, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """Set a partner's or a customer's whole credit line."""
    _administrator_only(principal)
    account = await grant_credit_line(session, owner_id, body.amount, now)
    audit.record(session, principal, "grant_credit_line", owner_id, now, amount=str(body.amount))
    return JsonAnswer(_account(account))


def _account(account: Account) -> dict[str, Any]:
    return {
        "account_id": account.account_id,
        "account_type": account.account_type,
        "owner_id": account.owner_id,
        "currency": account.currency,
        "balance": f"{account.balance:f}",
        "held": f"{account.held:f}",
        "designated_amount": f"{account.designated_amount:f}",
    }


@router.get("/api/ledger/proof")
async def ledger_proof(principal: CurrentPrincipal, session: HttpSession) -> Response:
    """Whether money was made or lost, and where."""
    _administrator_only(principal)
    return JsonAnswer(await prove_ledger(session))


@router.post("/internal/holds")
async def hold(
    body: HoldBody, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """Hold money for an attempt to pay an order."""
    if not (principal.is_administrator or principal.id == body.customer_id):
        raise WrongPrincipalError
    customer = await copies.find(session, Customer, body.customer_id)
    if customer is None:
        raise NotOwnCustomerError(body.customer_id)
    wanted = WantedHold(
        body.attempt_id, body.order_id, customer, body.amount, body.failed_attempt_ids
    )
    attempt = await hold_funds(session, wanted, now)
    return JsonAnswer(
        {"cash_amount": f"{attempt.cash_amount:f}", "credit_amount": f"{attempt.credit_amount:f}"}
    )
