"""What order asks of billing and voucher: the quote, and reserve before commit (decision 0009)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from chassis.errors import OutsideError
from chassis.identity import Principal
from chassis.sideways import Sideways
from wire.money import cut


@dataclass(frozen=True, slots=True)
class QuotedLine:
    """Billing's price of one line, for all its pieces and periods; 2 decimals."""

    product_id: str
    service_type_name: str
    resource_type_name: str
    official_amount: Decimal
    discount_amount: Decimal
    amount_after_discount: Decimal
    is_marketplace: bool
    provisioning_seconds: int


@dataclass(frozen=True, slots=True)
class CouponShare:
    """What one coupon pays; `coupon_type` as in lists: 1 cash, 4 flexi.

    See docs/domain/coupons.md B.7.
    """

    coupon_id: str
    coupon_type: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class HeldMoney:
    """What billing holds on the customer's accounts."""

    cash_amount: Decimal
    credit_amount: Decimal


@dataclass(frozen=True, slots=True)
class Peers:
    """The two services that order calls, and where they are.

    Every call raises the peer's own refusal, or OutsideError when it did not answer in time or its
    answer cannot be right.
    """

    sideways: Sideways
    billing_url: str
    voucher_url: str

    async def quote(
        self, principal: Principal, customer_id: str, lines: Sequence[dict[str, Any]]
    ) -> tuple[str, list[QuotedLine]]:
        """Currency and price of each line, in the order asked for."""
        content = {"customer_id": customer_id, "lines": list(lines)}
        answer = await self._post(self.billing_url, "/internal/quotes", principal, content)
        try:
            quoted = [_quoted(line) for line in answer["lines"]]
            currency = str(answer["currency"])
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            raise OutsideError("the quote cannot be read") from error
        if len(quoted) != len(lines) or not all(_adds_up(line) for line in quoted):
            raise OutsideError("the quote does not add up")
        return currency, quoted

    async def reserve_coupons(
        self, principal: Principal, reservation: dict[str, Any]
    ) -> list[CouponShare]:
        """Lock coupons for an attempt; the same attempt gets the same answer."""
        answer = await self._post(
            self.voucher_url, "/internal/reservations", principal, reservation
        )
        try:
            return [
                CouponShare(str(c["coupon_id"]), int(c["coupon_type"]), _amount(c["amount"]))
                for c in answer["coupons"]
            ]
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            raise OutsideError("the reservation cannot be read") from error

    async def hold_money(self, principal: Principal, hold: dict[str, Any]) -> HeldMoney:
        """Hold money for an attempt; the same attempt gets the same answer."""
        answer = await self._post(self.billing_url, "/internal/holds", principal, hold)
        try:
            return HeldMoney(_amount(answer["cash_amount"]), _amount(answer["credit_amount"]))
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            raise OutsideError("the hold cannot be read") from error

    async def _post(
        self, url: str, path: str, principal: Principal, content: dict[str, Any]
    ) -> dict[str, Any]:
        caller = replace(principal, caller="order")
        return await self.sideways.post(url, path, caller, content)


def _quoted(line: dict[str, Any]) -> QuotedLine:
    return QuotedLine(
        product_id=str(line["product_id"]),
        service_type_name=str(line["service_type_name"]),
        resource_type_name=str(line["resource_type_name"]),
        official_amount=_amount(line["official_amount"]),
        discount_amount=_amount(line["discount_amount"]),
        amount_after_discount=_amount(line["amount_after_discount"]),
        is_marketplace=bool(line["is_marketplace"]),
        provisioning_seconds=int(line["provisioning_seconds"]),
    )


def _adds_up(line: QuotedLine) -> bool:
    return line.official_amount - line.discount_amount == line.amount_after_discount


def _amount(value: object) -> Decimal:
    """An amount of a peer, at most 2 decimals and not negative."""
    exact = Decimal(str(value))
    amount = cut(exact, 2)
    if amount != exact or amount < 0:
        raise ValueError(f"no amount: {value}")
    return amount
