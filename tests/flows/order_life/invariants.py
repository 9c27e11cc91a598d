"""What must hold after every step, whatever was done: each rule names what breaks it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from order.orders.models import Order, OrderLine
from order.packages.models import Package
from order.resources.models import Resource, ResourcePeriod
from tests.flows.order_life.state import CHANGE, CHARGES, HELD, State

MEANS = (
    "coupon_amount", "flexipurchase_coupon_amount", "stored_card_amount", "cash_amount",
    "credit_amount",
)  # fmt: skip
BILLED = ("coupon_amount", "flexipurchase_coupon_amount", "cash_amount", "credit_amount")
ZERO = Decimal("0.00")
SECOND = timedelta(seconds=1)
GRACE, RETENTION = timedelta(days=15), timedelta(days=15)
PAYABLE, PROCESSING, CANCELLED, COMPLETED = 6, 3, 4, 5
TO_PERIOD = 11
CHARGED_TYPES = (1, 2, CHANGE, TO_PERIOD)
IN_USE, CLOSED, FROZEN, EXPIRED = 2, 3, 4, 5
ON_DEMAND = 3  # charging mode
CHANGED = "changed"  # the rule of a refund
TO_ON_DEMAND, DELETE, AUTO_RENEW, FREEZE, RETAIN = 1, 2, 3, 4, 5  # expire policies
WITH_RESOURCES = 2  # is_frozen


def breaches(state: State) -> list[str]:
    """All that is not as it must be; none is well."""
    return [f"{rule.__name__}: {found}" for rule in RULES for found in rule(state)]


def _means(row: Any) -> tuple[Decimal, ...]:
    return tuple(getattr(row, name) for name in MEANS)


def _sum(rows: Iterable[tuple[Decimal, ...]]) -> tuple[Decimal, ...]:
    columns = list(zip(*rows, strict=True))
    return tuple(sum(column, ZERO) for column in columns) or (ZERO,) * len(MEANS)


def _is_paid(order: Order) -> bool:
    return order.status in (PROCESSING, COMPLETED, HELD)


def an_order_costs_what_it_says(state: State) -> Iterator[str]:
    """Per line and order: official - discount = payable, and paid = the sum of the parts."""
    for order in state.orders.values():
        rows: list[Order | OrderLine] = [order, *order.lines]
        for row in rows:
            if row.official_amount - row.discount_amount != row.amount_after_discount:
                yield f"{order.order_id} {row.official_amount} - {row.discount_amount}"
            paid = sum(_means(row), ZERO)
            if paid != (row.amount_after_discount if _is_paid(order) else ZERO):
                yield f"{order.order_id} in {order.status}: {paid} of {row.amount_after_discount}"
        if _sum(map(_means, order.lines)) != _means(order):
            yield f"{order.order_id}: its lines are not the order"
        whole = sum((line.amount_after_discount for line in order.lines), ZERO)
        if whole != order.amount_after_discount:
            yield f"{order.order_id}: lines cost {whole}, it {order.amount_after_discount}"


def what_was_paid_became_periods(state: State) -> Iterator[str]:
    """Of a completed order each line is periods, and what failed and went back; of who paid it."""
    parts: defaultdict[str, list[tuple[Decimal, ...]]] = defaultdict(list)
    for resource in state.resources.values():
        for period in resource.periods:
            parts[period.line_id].append(_means(period))
            if period.payer_id != state.orders[period.order_id].payer_id:
                yield f"{period.period_id} was paid by {period.payer_id}"
    for package in state.packages.values():
        parts[package.line_id].append(_means(package))
        if package.payer_id != state.orders[package.order_id].payer_id:
            yield f"{package.package_id} was paid by {package.payer_id}"
    for refund in state.refunds:
        if refund.rule == "provisioning_failed":
            parts[refund.base_line_id].append(_means(refund))
    for order in state.orders.values():
        done = order.status == COMPLETED and not state.gives_back(order)
        for line in order.lines:
            found = _sum(parts[line.line_id])
            if found != (_means(line) if done else (ZERO,) * len(MEANS)):
                if not done and order.status == PROCESSING:
                    continue  # some of its pieces are there already
                yield f"{line.line_id} of an order in {order.status}: {found}"


def refund_rows_add_up(state: State) -> Iterator[str]:
    """To their order by each means; each is what was paid less what was used and the fee."""
    for order in state.orders.values():
        rows = state.refunds_of(order.order_id)
        if not state.gives_back(order):
            if rows:
                yield f"{order.order_id} of type {order.order_type} gives back"
            continue
        if _sum(map(_means, rows)) != _means(order) or order.status not in (COMPLETED, HELD):
            yield f"{order.order_id}: {_sum(map(_means, rows))} in {order.status}"
        for name in ("consumed_amount", "commission_amount"):
            if sum((getattr(one, name) for one in rows), ZERO) != getattr(order, name):
                yield f"{order.order_id}: {name}"
        for row in rows:
            money = row.amount - row.coupon_amount
            if row.paid_amount != row.consumed_amount + row.commission_amount + money:
                yield f"{row.refund_id}: {row.paid_amount} is not what was used and went back"
            uses = [(one["coupon_type"], Decimal(one["amount"])) for one in row.coupons]
            by_type = tuple(sum((x for kind, x in uses if kind == n), ZERO) for n in (1, 4))
            if by_type != (row.coupon_amount, row.flexipurchase_coupon_amount):
                yield f"{row.refund_id}: its coupons get {by_type}"


def no_refund_is_more_than_was_paid(state: State) -> Iterator[str]:
    """By each means, of each period and of each order; a period goes back once.

    Before that, changes may have given back parts of it.
    """
    periods: dict[str, ResourcePeriod | Package] = {**state.packages}
    periods |= {x.period_id: x for one in state.resources.values() for x in one.periods}
    by_order: defaultdict[str, list[tuple[Decimal, ...]]] = defaultdict(list)
    by_period: defaultdict[str, list[tuple[Decimal, ...]]] = defaultdict(list)
    whole: dict[str, str] = {}  # by period: the order that gave the rest of it back
    for refund in state.refunds:
        by_order[refund.base_order_id].append(_means(refund))
        period = periods.get(refund.period_id)
        if period is None:
            if refund.rule != "provisioning_failed":
                yield f"{refund.refund_id}: there is no such period"
            continue
        by_period[refund.period_id].append(_means(refund))
        if period.payer_id != refund.payer_id:
            yield f"{period.period_id} went back to {refund.payer_id}"
        if refund.rule != CHANGED:
            if refund.period_id in whole:
                yield f"{period.period_id} went back twice"
            whole[refund.period_id] = refund.order_id
    for period_id, period in periods.items():
        if period.refund_order_id != whole.get(period_id):
            yield f"{period_id} went back by {period.refund_order_id}, not {whole.get(period_id)}"
        back = _sum(by_period[period_id])
        if any(a > b for a, b in zip(back, _means(period), strict=True)):
            yield f"{period_id}: {back} of {_means(period)} went back"
    for order_id, rows in by_order.items():
        paid = _means(state.orders[order_id])
        if any(a > b for a, b in zip(_sum(rows), paid, strict=True)):
            yield f"{order_id}: {_sum(rows)} of {paid} went back"


def no_resource_without_a_paid_period(state: State) -> Iterator[str]:
    """One period behind the other; what is used is paid for, what is given back is closed.

    Before a period for what was used on demand there may be a gap; a change is paid on top.
    """
    for one in state.resources.values():
        paid = [x for x in one.paid_periods if x.base_period_id is None]
        bases = {x.period_id: x for x in paid}
        for more in (x for x in one.paid_periods if x.base_period_id is not None):
            base = bases.get(more.base_period_id or "")
            if base is None or base.end_at != more.end_at or more.begin_at < base.begin_at:
                yield f"{one.resource_id}: {more.period_id} is a change of no period"
        ahead = [x for x in paid if x.end_at is not None and x.end_at + SECOND > state.now]
        if one.charging_mode == ON_DEMAND or one.status == CLOSED:
            if ahead and not (one.status == CLOSED and one.expire_policy == DELETE):
                yield f"{one.resource_id} in {one.status}: {len(ahead)} periods are paid in vain"
            continue
        if not paid or paid[-1].end_at != one.expire_at:
            yield f"{one.resource_id} in {one.status} ends {one.expire_at} and is not paid so"
            continue
        for before, after in pairwise(paid):
            was_by_use = state.orders[after.order_id].order_type == TO_PERIOD
            ends = before.end_at
            if ends is None or (ends + SECOND != after.begin_at and not was_by_use):
                yield f"{one.resource_id}: {before.end_at} is followed by {after.begin_at}"


def a_resource_is_what_time_has_made_of_it(state: State) -> Iterator[str]:
    """In use, in grace, in retention, closed; frozen with its customer; waiting for an order."""
    named = {
        line.resource_id
        for order in state.orders.values()
        if order.status in (1, 9, PAYABLE, PROCESSING)
        for line in order.lines
    }
    for one in state.resources.values():
        if one.charging_mode == ON_DEMAND or one.status == CLOSED:
            continue
        frozen = state.customers[one.customer_id].is_frozen == WITH_RESOURCES
        allowed = _by_time(one, state, waits=one.resource_id in named)
        if frozen and allowed:
            allowed = {FROZEN}
        if one.status not in allowed:
            yield (
                f"{one.resource_id} (policy {one.expire_policy}, ends {one.expire_at}) is"
                f" {one.status} at {state.now}, not {allowed}"
            )


def _by_time(one: Resource, state: State, *, waits: bool) -> set[int]:
    if one.expire_at is None or state.now < one.expire_at + SECOND:
        return {IN_USE}
    over = one.expire_at + SECOND
    if one.expire_policy in (TO_ON_DEMAND, DELETE):
        return {IN_USE} if waits else set()  # converted, or closed
    frozen_at = over if one.expire_policy in (FREEZE, RETAIN) else over + GRACE
    if state.now < frozen_at:
        return {EXPIRED}
    return {FROZEN} if state.now < frozen_at + RETENTION or waits else set()


def nothing_waits_beyond_its_time(state: State) -> Iterator[str]:
    """No order is payable past its deadline, none to be provisioned is overdue."""
    for order in state.orders.values():
        if order.status == PAYABLE and (order.pay_until is None or order.pay_until <= state.now):
            yield f"{order.order_id} could be paid until {order.pay_until}"
        if order.status == PROCESSING and (order.provision_at or state.now) <= state.now:
            yield f"{order.order_id} was to be provisioned at {order.provision_at}"


def nothing_is_held(state: State) -> Iterator[str]:
    """Nobody pays between two steps: no attempt, hold, reservation or lock is left."""
    if state.open_elsewhere or any(one.state == "open" for one in state.attempts):
        yield f"{state.open_elsewhere} attempts are open"
    for account in state.accounts.values():
        if account.held:
            yield f"{account.owner_id} holds {account.held}"
    for coupon in state.coupons.values():
        if coupon.lock_order_id or coupon.reserved_amount:
            yield f"{coupon.id} is locked by {coupon.lock_order_id}"


def the_ledgers_prove(state: State) -> Iterator[str]:
    """Of billing and of voucher, each by itself."""
    yield from state.proofs


def billing_says_what_order_says(state: State) -> Iterator[str]:
    """By order what its bill lines say, by payer what it was charged."""
    nothing = (ZERO,) * len(BILLED)
    charged: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for order in state.orders.values():
        sign = -1 if state.gives_back(order) else 1
        said = nothing
        if order.status != HELD:
            said = tuple(sign * getattr(order, name) for name in BILLED)
        if state.bills.get(order.order_id, nothing) != said:
            yield f"{order.order_id}: {state.bills.get(order.order_id)} on the bill, {said} paid"
        if sign == 1:
            charged[order.payer_id or order.customer_id] += order.cash_amount + order.credit_amount
    for one in state.made_refunds:
        charged[one.payer_id or one.customer_id] -= one.cash_amount + one.credit_amount
    for owner, amount in state.uses.items():
        charged[owner] += amount
    for (owner, kind), account in state.accounts.items():
        if kind == CHARGES and account.balance != charged[owner]:
            yield f"{owner} was charged {account.balance}, its orders took {charged[owner]}"


def voucher_says_what_order_says(state: State) -> Iterator[str]:
    """By coupon what it paid and what was given back to it."""
    used: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    back: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for attempt in state.attempts:
        for use in attempt.coupons if attempt.state == "paid" else ():
            used[use["coupon_id"]] += Decimal(use["amount"])
    for refund in state.made_refunds:
        for use in refund.coupons:
            back[use["coupon_id"]] += Decimal(use["amount"])
    for coupon in state.coupons.values():
        gone = coupon.face_value - coupon.balance - coupon.returned_amount
        if gone != used[coupon.id] - back[coupon.id]:
            yield f"{coupon.id} lost {gone}, paid {used[coupon.id]}, got {back[coupon.id]}"
        if state.restored.get(coupon.id, ZERO) != back[coupon.id]:
            yield f"{coupon.id} was restored {state.restored.get(coupon.id)}"


RULES: tuple[Callable[[State], Iterator[str]], ...] = (
    an_order_costs_what_it_says,
    what_was_paid_became_periods,
    refund_rows_add_up,
    no_refund_is_more_than_was_paid,
    no_resource_without_a_paid_period,
    a_resource_is_what_time_has_made_of_it,
    nothing_waits_beyond_its_time,
    nothing_is_held,
    the_ledgers_prove,
    billing_says_what_order_says,
    voucher_says_what_order_says,
)
