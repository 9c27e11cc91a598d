"""Every rule by which a coupon pays for an order, judged in one place (decision 0117).

Reservation, the customer's list, payment options and validation ask here, so that they cannot
disagree: a reservation is refused by the first check that does not hold.
See docs/domain/coupons.md B.7, H.17, docs/domain/worked-examples.md F.9.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from voucher.copies import Customer
from voucher.coupons.coupon_use import COMMERCIAL, CONTRACT, EMPOWER, PROMOTION, PayLine
from voucher.coupons.models import (
    DEDICATED_GROUP,
    MARKETPLACE_GROUP,
    USABLE,
    Coupon,
    CouponNotUsableError,
)
from voucher.coupons.rule_words import RULES
from voucher.quotas.limits import ONCE, QuotaLimits
from voucher.quotas.models import CARD, CASH, DISCOUNT, FLEXI
from wire.vocabulary import RESALE_TYPES

PAYS = (CASH, DISCOUNT, FLEXI, CARD)  # no payment takes product coupons
BY_CONTRACT = {CONTRACT, COMMERCIAL}
NO, YES, NONE = "0", "1", "none"


@dataclass(frozen=True, slots=True)
class Check:
    """A rule, whether it holds, and the two values that it compared; None: nothing to compare."""

    rule: str
    holds: bool
    found: str | None = None
    wanted: str | None = None

    @property
    def code(self) -> str:
        """By which it refuses."""
        return RULES[self.rule].code


@dataclass(frozen=True, slots=True)
class Payment:
    """What coupons are asked to pay: whose they are, the lines before any coupon, when.

    `order_id` is the order whose own lock does not matter, where there is one. `by_partner`: a
    partner that acts for the payer asks.
    """

    payer: Customer | None
    lines: Sequence[PayLine]
    now: datetime
    order_id: str | None = None
    by_partner: bool = False


def judge_coupon(
    coupon: Coupon | None, payment: Payment, coupon_type: int | None = None
) -> list[Check]:
    """Every rule about the coupon alone, in the order in which they refuse.

    None is one that the payer does not hold. `coupon_type` is that which the payment names.
    """
    if coupon is None:
        return [Check("known", holds=False)]
    types = PAYS if coupon_type is None else (coupon_type,)
    checks = [
        Check("known", holds=True),
        Check(
            "payment_type",
            coupon.coupon_type in types and coupon.coupon_type in PAYS,
            str(coupon.coupon_type),
            _listed(types),
        ),
        _issuers_customer(coupon, payment.payer),
        Check("card_by_holder", not (coupon.is_card and payment.by_partner)),
    ]
    return checks + list(_of_state(coupon, payment)) + list(_of_lines(coupon, payment.lines))


def judge_for_usage(coupon: Coupon, payment: Payment) -> list[Check]:
    """Every rule about a coupon that is taken for usage by itself; of each charge `judge_line`.

    One that pays a single time would be used up by the first cent: it is kept for orders.
    """
    rules = coupon.rules
    return [
        _issuers_customer(coupon, payment.payer),
        *_of_state(coupon, payment),
        Check("usage_times", rules.usage_times != ONCE, f"{rules.usage_times}", f"{ONCE}"),
        Check("limits_judged", rules.are_judged_for_usage()),
    ]


def judge_line(rules: QuotaLimits, line: PayLine) -> list[Check]:
    """Every rule about one charge of usage, which is a purchase of its own."""
    least = rules.threshold_amount
    return [
        Check("covers_a_line", line.is_covered_by(rules)),
        Check("threshold", least is None or line.payable > least, _text(line.payable),
              _text(least)),
        *_of_discounts(rules, [line]),
    ]  # fmt: skip


def judge_together(coupons: Sequence[Coupon]) -> list[Check]:
    """Every rule about what the coupons of one payment do together."""
    types = [coupon.coupon_type for coupon in coupons]
    groups = sorted({coupon.coupon_group for coupon in coupons})
    kinds = [_kind(coupon) for coupon in coupons]
    alone = [
        coupon.id
        for coupon in coupons
        if coupon.coupon_type != DISCOUNT and not coupon.rules.simultaneous_use_with_discount_coupon
    ]
    return [
        Check("cash_or_discount", not {CASH, DISCOUNT} <= set(types), _listed(types)),
        Check(
            "groups_together",
            not {MARKETPLACE_GROUP, DEDICATED_GROUP} <= set(groups),
            _listed(groups),
        ),
        Check("one_of_a_type", len(set(kinds)) == len(kinds), _listed(kinds)),
        Check("with_discount_coupon", not (alone and DISCOUNT in types), _listed(alone)),
    ]


def first_broken(checks: Sequence[Check]) -> Check | None:
    """The check that refuses."""
    return next((check for check in checks if not check.holds), None)


def refuse_broken(what: str, checks: Sequence[Check]) -> None:
    """Raise CouponNotUsableError with the code of the first rule that does not hold."""
    if (broken := first_broken(checks)) is not None:
        raise CouponNotUsableError(what, code=broken.code, rule=broken.rule)


def _issuers_customer(coupon: Coupon, payer: Customer | None) -> Check:
    """It pays for its issuer's resale customer only, whatever became of its recall.

    A card has no issuer that its holder could leave.
    """
    if coupon.is_card:
        return Check("issuers_customer", payer is not None)
    is_theirs = payer is not None and payer.is_resale_of(coupon.partner_id)
    same = payer is not None and payer.partner_id == coupon.partner_id
    found = payer.association_type if payer is not None and same else None
    return Check("issuers_customer", is_theirs, found, _listed(sorted(RESALE_TYPES)))


def _of_state(coupon: Coupon, payment: Payment) -> Iterator[Check]:
    now, begin, end = payment.now, coupon.effective_at, coupon.expire_at
    yield Check("has_begun", begin <= now, now.isoformat(), begin.isoformat())
    yield Check("has_not_ended", end > now, now.isoformat(), end.isoformat())
    yield Check("status", coupon.status == USABLE, str(coupon.status), str(USABLE))
    yield Check("not_frozen", not coupon.is_frozen, YES if coupon.is_frozen else NO, NO)
    is_free = coupon.lock_order_id in (None, payment.order_id)
    yield Check("not_locked", is_free, coupon.lock_order_id or NONE, payment.order_id or NONE)
    is_once = coupon.limits.get("usage_times") == ONCE
    is_used = coupon.last_used_at is not None
    found, wanted = YES if is_used else NO, str(ONCE) if is_once else None
    yield Check("usage_times", not (is_once and is_used), found, wanted)


def _of_lines(coupon: Coupon, lines: Sequence[PayLine]) -> Iterator[Check]:
    rules = coupon.rules
    some = [line for line in lines if line.is_what_is_covered(rules)]
    yield Check("covers_a_line", bool(some), str(len(some)), YES)
    yield from _of_purchase(rules, some or lines)
    yield Check("limits_judged", rules.are_judged_at_payment())
    least = rules.threshold_amount
    payable = sum((line.amount for line in lines if line.is_covered_by(rules)), Decimal("0.00"))
    yield Check("threshold", least is None or payable > least, _text(payable), _text(least))
    yield from _of_discounts(rules, lines)


def _of_purchase(rules: QuotaLimits, lines: Sequence[PayLine]) -> Iterator[Check]:
    """How, and whether for the first time: of the lines that the rules before leave."""
    some = [line for line in lines if line.is_bought_as_covered(rules)]
    found = {line.subscribe_type for line in lines if line.subscribe_type is not None}
    yield Check("subscribe_type", bool(some), _listed(sorted(found)), _asked(rules.subscribe_types))
    lines = some or lines
    some = [line for line in lines if line.is_charged_as_covered(rules)]
    scenes = sorted(set[int]().union(*(line.charge_scenes for line in lines)))
    yield Check("charge_scene", bool(some), _listed(scenes), _asked(rules.charge_scenes))
    lines = some or lines
    if not rules.first_order_in_service:
        yield Check("first_order", holds=True)
        return
    is_first = any(line.is_first_as_covered(rules) for line in lines)
    yield Check("first_order", is_first, YES if is_first else NO, YES)


def _of_discounts(rules: QuotaLimits, lines: Sequence[PayLine]) -> Iterator[Check]:
    """A flag blocks its own kinds of discount; one line at or above the minimum is enough."""
    kinds = {line.discount_type for line in lines}
    flags = [
        ("promotion_discount", {PROMOTION}, rules.simultaneous_use_with_promotion_discount),
        (
            "contract_discount",
            {CONTRACT, COMMERCIAL},
            rules.simultaneous_use_with_contract_discount,
        ),
        ("empower_discount", {EMPOWER}, rules.simultaneous_use_with_empower_discount),
    ]
    judged: set[int] = set()
    for rule, barred, is_allowed in flags:
        met = {kind for kind in kinds if kind in barred}
        judged |= barred
        yield Check(rule, is_allowed or not met, _listed(sorted(met)), None if is_allowed else NONE)
    ratios = [line.discount_ratio for line in lines if line.discount_type in judged]
    least, most = rules.min_consume_discount, max(ratios, default=None)
    holds = least is None or most is None or most >= least
    yield Check("min_discount", holds, _text(most), _text(least))


def _kind(coupon: Coupon) -> str:
    """Its type, and its group where that is another than the cloud's own services."""
    return f"{coupon.coupon_type}" + (f"/{coupon.coupon_group}" if coupon.coupon_group else "")


def _listed(values: Sequence[object]) -> str:
    return ",".join(str(value) for value in values) or NONE


def _asked(values: Sequence[object]) -> str | None:
    """None: anything will do."""
    return _listed(values) if values else None


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
