"""What order asks of billing and voucher: the quote, and reserve before commit (decision 0009)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
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
    product_spec_desc: str | None = None  # the catalogue's words
    size_measure_id: int | None = None  # the unit of a linear product's size
    package: dict[str, Any] | None = None  # what is opened in place of a resource


@dataclass(frozen=True, slots=True)
class Offer:
    """A discount that an order of the quote may have; `order` is its number in the batch.

    `lines` is, for each line it covers, the line's place in the quote, what it takes off, and the
    ratio that is payable, all as texts but the place.
    """

    order: int
    discount_id: str
    discount_type: int
    discount_mode: int
    discount_value: str
    name: str
    ends_at: datetime | None
    lines: tuple[tuple[int, str, str], ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """Billing's prices, in the order asked for, and the discounts that are offered."""

    currency: str
    lines: list[QuotedLine]
    offers: list[Offer]


@dataclass(frozen=True, slots=True)
class CouponShare:
    """What one coupon pays; 1 cash, 4 flexi, 5 a card; 2 takes off the price.

    See docs/domain/coupons.md B.7.
    """

    coupon_id: str
    coupon_type: int
    amount: Decimal
    lines: tuple[tuple[str, Decimal], ...]  # line_id and what it pays of it


@dataclass(frozen=True, slots=True)
class UsableCoupon:
    """A coupon that may pay an order at a price; `amount` is what it would pay beside others."""

    coupon_id: str
    coupon_type: int
    balance: Decimal
    expire_at: datetime
    amount: Decimal


@dataclass(frozen=True, slots=True)
class CouponOptions:
    """Of one price: what is usable, what is refused by which code, and what may be combined."""

    usable: list[UsableCoupon]
    refused: list[tuple[str, str]]
    options: list[list[UsableCoupon]]
    has_more: bool


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
        quote = await self.quote_with_discounts(principal, customer_id, lines)
        return quote.currency, quote.lines

    async def quote_with_discounts(
        self,
        principal: Principal,
        customer_id: str,
        lines: Sequence[dict[str, Any]],
        order_type: int = 1,
    ) -> Quote:
        """The same, and which discounts each order is offered; a line names its `order`."""
        content = {"customer_id": customer_id, "lines": list(lines), "order_type": order_type}
        answer = await self._post(self.billing_url, "/internal/quotes", principal, content)
        try:
            quoted = [_quoted(line) for line in answer["lines"]]
            offers = [_offer(offer) for offer in answer.get("discounts", [])]
            quote = Quote(str(answer["currency"]), quoted, offers)
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            raise OutsideError("the quote cannot be read") from error
        if len(quoted) != len(lines) or not all(_adds_up(line) for line in quoted):
            raise OutsideError("the quote does not add up")
        if not all(_is_covered(quote, lines, offer) for offer in offers):
            raise OutsideError("the quote does not add up")
        return quote

    async def reserve_coupons(
        self, principal: Principal, reservation: dict[str, Any]
    ) -> list[CouponShare]:
        """Lock coupons for an attempt; the same attempt gets the same answer."""
        answer = await self._post(
            self.voucher_url, "/internal/reservations", principal, reservation
        )
        try:
            return [_coupon_share(coupon) for coupon in answer["coupons"]]
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            raise OutsideError("the reservation cannot be read") from error

    async def coupon_options(
        self, principal: Principal, asked: dict[str, Any]
    ) -> list[CouponOptions]:
        """What coupons would pay of an order at each of its prices; nothing is locked."""
        answer = await self._post(self.voucher_url, "/internal/coupon-options", principal, asked)
        try:
            found = [_coupon_options(pricing) for pricing in answer["pricings"]]
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            raise OutsideError("the coupons cannot be read") from error
        if len(found) != len(asked["pricings"]):
            raise OutsideError("the coupons cannot be read")
        return found

    async def are_covered(
        self, principal: Principal, customer_id: str, amounts: Sequence[Decimal]
    ) -> list[bool]:
        """Whether each amount could be held now; nothing is."""
        content = {"customer_id": customer_id, "amounts": [str(amount) for amount in amounts]}
        answer = await self._post(self.billing_url, "/internal/hold-options", principal, content)
        found = answer.get("covered")
        if not isinstance(found, list) or len(found) != len(amounts):
            raise OutsideError("the hold cannot be read")
        return [bool(one) for one in found]

    async def hold_money(self, principal: Principal, hold: dict[str, Any]) -> HeldMoney:
        """Hold money for an attempt; the same attempt gets the same answer."""
        answer = await self._post(self.billing_url, "/internal/holds", principal, hold)
        try:
            return HeldMoney(_amount(answer["cash_amount"]), _amount(answer["credit_amount"]))
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            raise OutsideError("the hold cannot be read") from error

    async def check_funds(self, principal: Principal, customer_id: str, amount: Decimal) -> None:
        """Whether the customer could pay that much now; nothing is held. Raises its refusal."""
        content = {"customer_id": customer_id, "amount": str(amount)}
        await self._post(self.billing_url, "/internal/funds-checks", principal, content)

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
        product_spec_desc=line.get("product_spec_desc"),
        size_measure_id=line.get("size_measure_id"),
        package=line.get("package"),
    )


def _offer(offer: dict[str, Any]) -> Offer:
    ends_at = offer["ends_at"]
    return Offer(
        order=int(offer["order"]),
        discount_id=str(offer["discount_id"]),
        discount_type=int(offer["discount_type"]),
        discount_mode=int(offer["discount_mode"]),
        discount_value=str(offer["discount_value"]),
        name=str(offer["name"]),
        ends_at=None if ends_at is None else datetime.fromisoformat(ends_at),
        lines=tuple(
            (
                int(x["line"]),
                f"{_amount(x['discount_amount']):f}",
                f"{Decimal(x['discount_ratio'])}",
            )
            for x in offer["lines"]
        ),
    )


def _is_covered(quote: Quote, asked: Sequence[dict[str, Any]], offer: Offer) -> bool:
    """Whether it takes no more off a line than the line costs, and off its own order's lines."""
    return all(
        0 <= place < len(asked)
        and asked[place].get("order", 0) == offer.order
        and Decimal(reduction) <= quote.lines[place].amount_after_discount
        for place, reduction, _ in offer.lines
    )


def _coupon_share(coupon: dict[str, Any]) -> CouponShare:
    parts = tuple((str(part["line_id"]), _amount(part["amount"])) for part in coupon["lines"])
    amount = _amount(coupon["amount"])
    if sum(part for _, part in parts) != amount:
        raise ValueError("the lines' parts are not the amount")
    return CouponShare(str(coupon["coupon_id"]), int(coupon["coupon_type"]), amount, parts)


def _coupon_options(pricing: dict[str, Any]) -> CouponOptions:
    return CouponOptions(
        usable=[_usable(coupon) for coupon in pricing["usable"]],
        refused=[(str(one["coupon_id"]), str(one["code"])) for one in pricing["refused"]],
        options=[[_usable(coupon) for coupon in option] for option in pricing["options"]],
        has_more=bool(pricing["has_more"]),
    )


def _usable(coupon: dict[str, Any]) -> UsableCoupon:
    return UsableCoupon(
        coupon_id=str(coupon["coupon_id"]),
        coupon_type=int(coupon["coupon_type"]),
        balance=_amount(coupon["balance"]),
        expire_at=datetime.fromisoformat(coupon["expire_at"]),
        amount=_amount(coupon.get("amount", 0)),
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
