"""The events of coupons, each with the whole state after the fact.

The quota's balance is said by those that moved it.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from contracts.voucher import (
    CardEvent,
    VoucherActivated,
    VoucherCardEnded,
    VoucherCardGiven,
    VoucherCardRestored,
    VoucherCardUsed,
    VoucherEvent,
    VoucherExpired,
    VoucherFrozen,
    VoucherIssued,
    VoucherRecalled,
    VoucherRedeemed,
    VoucherReleased,
    VoucherReserved,
    VoucherRestored,
    VoucherRetrieved,
    VoucherTransferred,
    VoucherUnfrozen,
)
from voucher.coupons.card_status import card_status
from voucher.coupons.models import Coupon, Reservation
from voucher.coupons.write_issue import IssuedCoupon
from voucher.quotas.models import Quota

Fact = TypeVar("Fact", bound=VoucherEvent)
OfCard = TypeVar("OfCard", bound=CardEvent)
OfAttempt = TypeVar("OfAttempt", VoucherReserved, VoucherReleased, VoucherRedeemed)


def voucher_issued(
    coupon: Coupon | IssuedCoupon, now: datetime, quota: Quota | None
) -> VoucherIssued:
    """Somebody got the coupon; without the quota where it has none, or is only stated again."""
    return _fact(VoucherIssued, coupon, now, quota)


def of_attempt(
    contract: type[OfAttempt], coupon: Coupon, reservation: Reservation, now: datetime
) -> OfAttempt:
    """The attempt that reserved it holds the coupon, frees it or has paid with it."""
    return _fact(
        contract,
        coupon,
        now,
        None,
        order_id=reservation.order_id,
        attempt_id=reservation.attempt_id,
        amount=reservation.amount,
        for_usage=reservation.is_for_usage,
    )


def voucher_restored(
    coupon: Coupon,
    now: datetime,
    order_id: str,
    base_order_id: str,
    amount: Decimal,
) -> VoucherRestored:
    """A refund gave the coupon what it had paid for the base order."""
    return _fact(
        VoucherRestored,
        coupon,
        now,
        None,
        order_id=order_id,
        base_order_id=base_order_id,
        amount=amount,
        to_quota=False,
    )


def voucher_passed_on(
    coupon: Coupon,
    now: datetime,
    order_id: str,
    base_order_id: str,
    amount: Decimal,
    quota: Quota | None,
) -> VoucherRestored:
    """The same, but the coupon has ended: its quota has it, or the vendor where there is none."""
    return _fact(
        VoucherRestored,
        coupon,
        now,
        quota,
        order_id=order_id,
        base_order_id=base_order_id,
        amount=amount,
        to_quota=True,
    )


def voucher_recalled(
    coupon: Coupon, now: datetime, quota: Quota | None, amount: Decimal, operation_type: int
) -> VoucherRecalled:
    """The quota, or the vendor, took back what was left."""
    return _fact(VoucherRecalled, coupon, now, quota, amount=amount, operation_type=operation_type)


def voucher_transferred(
    main: Coupon, now: datetime, sub: Coupon, amount: Decimal
) -> VoucherTransferred:
    """A part of the master's coupon became the member's sub-coupon."""
    return _fact(
        VoucherTransferred,
        main,
        now,
        None,
        amount=amount,
        sub_coupon_id=sub.id,
        member_id=sub.customer_id,
    )


def voucher_retrieved(
    main: Coupon, now: datetime, sub: Coupon, amount: Decimal
) -> VoucherRetrieved:
    """What was left of the sub-coupon is the master's coupon's again."""
    return _fact(
        VoucherRetrieved,
        main,
        now,
        None,
        amount=amount,
        sub_coupon_id=sub.id,
        member_id=sub.customer_id,
    )


def voucher_expired(
    coupon: Coupon, now: datetime, quota: Quota | None, amount: Decimal
) -> VoucherExpired:
    """Its time ran out; the quota, or the vendor, took what was left."""
    return _fact(VoucherExpired, coupon, now, quota, amount=amount)


def voucher_activated(coupon: Coupon, now: datetime) -> VoucherActivated:
    """Its holder may use it."""
    return _fact(VoucherActivated, coupon, now, None)


def voucher_frozen(coupon: Coupon, now: datetime) -> VoucherFrozen:
    """No order may take it."""
    return _fact(VoucherFrozen, coupon, now, None)


def voucher_unfrozen(coupon: Coupon, now: datetime) -> VoucherUnfrozen:
    """Orders may take it again."""
    return _fact(VoucherUnfrozen, coupon, now, None)


def card_given(card: Coupon, now: datetime) -> VoucherCardGiven:
    """A customer got the card."""
    return _card_fact(VoucherCardGiven, card, now)


def card_used(card: Coupon, reservation: Reservation, now: datetime) -> VoucherCardUsed:
    """The attempt that held it has paid with it."""
    return _card_fact(
        VoucherCardUsed,
        card,
        now,
        order_id=reservation.order_id,
        attempt_id=reservation.attempt_id,
        amount=reservation.amount,
        for_usage=reservation.is_for_usage,
    )


def card_restored(
    card: Coupon,
    now: datetime,
    order_id: str,
    base_order_id: str,
    amount: Decimal,
    *,
    lapsed: bool,
) -> VoucherCardRestored:
    """A refund gave it what it had paid for the base order; to the vendor where it has ended."""
    return _card_fact(
        VoucherCardRestored,
        card,
        now,
        order_id=order_id,
        base_order_id=base_order_id,
        amount=amount,
        lapsed=lapsed,
    )


def card_ended(card: Coupon, now: datetime, amount: Decimal) -> VoucherCardEnded:
    """Its time ran out; the vendor took what was left."""
    return _card_fact(VoucherCardEnded, card, now, amount=amount)


def _card_fact(contract: type[OfCard], card: Coupon, now: datetime, **own: Any) -> OfCard:
    return contract(
        occurred_at=now,
        partner_id=card.partner_id,
        distributor_id=card.distributor_id,
        version=card.version,
        card_id=card.id,
        card_name=card.name,
        customer_id=card.customer_id,
        status=card_status(card.status),
        currency=card.currency,
        face_value=card.face_value,
        balance=card.balance,
        effective_at=card.effective_at,
        expire_at=card.expire_at,
        **own,
    )


def _fact(
    contract: type[Fact],
    coupon: Coupon | IssuedCoupon,
    now: datetime,
    quota: Quota | None,
    **own: Any,
) -> Fact:
    """With the balance of the quota that the fact moved; `own` are that contract's own fields."""
    return contract(
        occurred_at=now,
        partner_id=coupon.partner_id,
        distributor_id=coupon.distributor_id,
        version=coupon.version,
        coupon_id=coupon.id,
        quota_id=coupon.quota_id,
        customer_id=coupon.customer_id,
        coupon_type=coupon.coupon_type,
        coupon_group=coupon.coupon_group,
        origin=coupon.origin,
        status=coupon.status,
        currency=coupon.currency,
        face_value=coupon.face_value,
        balance=coupon.balance,
        reserved_amount=coupon.reserved_amount,
        effective_at=coupon.effective_at,
        expire_at=coupon.expire_at,
        discount_ratio=coupon.discount_ratio,
        main_coupon_id=coupon.main_coupon_id,
        quota_balance=None if quota is None else quota.balance,
        **own,
    )
