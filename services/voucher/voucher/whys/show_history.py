"""All that became of a coupon: every movement, hold, release, recall and refusal."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFoundError
from chassis.identity import Principal
from voucher.attempts.models import CAPTURED, RELEASED, Attempt
from voucher.coupons.coupon_lists import shown_to_holder
from voucher.coupons.coupon_notes import ADMINISTRATOR, HOLDER, ISSUER, SYSTEM, CouponNote
from voucher.coupons.models import Coupon, Reservation
from voucher.coupons.return_to_quota import EXPIRY, MANUAL
from voucher.ledger.models import Movement, Posting
from voucher.quotas.models import DISCOUNT
from voucher.whys.put_in_order import Use, chain_of, put_in_order
from wire.native import Money, NativeAnswer

EVENTS_MAX = 1000  # shown of one coupon, the latest
NOTHING = Decimal("0.00")
HELD, FREED, PAID = "held", "released", "redeemed"
# Of what happens at one instant, what comes first
RANKS = {"issued": 0, "transferred": 0, "refused": 1, "activated": 1, HELD: 2, FREED: 4, PAID: 4}
REFUSED_WHILE_HELD, LAST = 3, 5


class CouponEventAnswer(NativeAnswer):
    """Something that became of the coupon; `amount` is what it added to the balance, or took.

    `held_amount` is what an order held, or let go. `by`: "issuer", "holder", "administrator" or
    "system"; of a sub-coupon also "master".
    """

    at: datetime
    # "issued", "held", "released", "redeemed", "restored", "recalled", "expired", "refused",
    # "frozen", "unfrozen", "activated", "transferred" and "retrieved" between an enterprise master
    # and its member; what a refund gave to the quota in the coupon's place:
    # "restored", and then "recalled"
    event: str
    currency: str
    amount: Money
    held_amount: Money | None
    balance_after: Money
    order_id: str | None
    attempt_id: str | None
    operation_type: int | None
    code: str | None
    rule: str | None
    by: str
    remark: str | None


class CouponHistory(NativeAnswer):
    """The oldest first; the amounts add up to the balance. `is_complete` unless more are kept."""

    coupon_id: str
    status: int
    currency: str
    balance: Money
    history: list[CouponEventAnswer]
    is_complete: bool


class _Event:
    """One line before its balance is known."""

    def __init__(
        self, at: datetime, event: str, number: str, by: str, amount: Decimal = NOTHING,
        **more: object,
    ):  # fmt: skip
        self.at, self.event, self.by, self.amount = at, event, by, amount
        is_late = event == "refused" and more.get("rule") == "not_locked"
        self.place = at, REFUSED_WHILE_HELD if is_late else RANKS.get(event, LAST), number
        self.more = more


async def find_coupon(session: AsyncSession, principal: Principal, coupon_id: str) -> Coupon:
    """One that the caller issued, or holds; any for the administrator.

    A holder does not see one that its issuer took back (docs/domain/coupons.md H.17).

    Raises:
        NotFoundError: none, or not the caller's.

    """
    wanted = select(Coupon).where(Coupon.id == coupon_id)
    if principal.is_customer:
        wanted = wanted.where(Coupon.customer_id == principal.id, shown_to_holder())
    elif principal.is_partner:
        own = principal.partner_id
        issued = or_(Coupon.partner_id == own, Coupon.distributor_id == own)
        issued = issued & Coupon.quota_id.is_not(None)
        wanted = wanted.where(or_(issued, Coupon.customer_id == own))
    coupon: Coupon | None = await session.scalar(wanted)
    if coupon is None:
        raise NotFoundError
    return coupon


async def show_history(
    session: AsyncSession, principal: Principal, coupon_id: str
) -> CouponHistory:
    """In the order that it must have happened in; where that leaves a choice, in order of time.

    Raises:
        NotFoundError: no such coupon of the caller.

    """
    coupon = await find_coupon(session, principal, coupon_id)
    movements = [event async for event in _movements(session, coupon)]
    uses = [use async for use in _attempts(session, coupon, movements)]
    others = [event async for event in _notes(session, coupon)]
    balance, latest, shown = NOTHING, coupon.created_at, []
    for event in put_in_order([movements, chain_of(uses, movements)], others, key=_place):
        balance += event.amount
        event.at = latest = max(latest, event.at)  # another service's clock may be behind
        shown.append(_shown(coupon, principal, event, balance))
    return CouponHistory(
        coupon_id=coupon.id,
        status=coupon.status,
        currency=coupon.currency,
        balance=coupon.balance,
        history=shown[-EVENTS_MAX:],
        is_complete=len(shown) <= EVENTS_MAX,
    )


def _shown(
    coupon: Coupon, principal: Principal, event: _Event, balance: Decimal
) -> CouponEventAnswer:
    told: dict[str, object] = dict.fromkeys(
        ("held_amount", "order_id", "attempt_id", "operation_type", "code", "rule", "remark")
    )
    if event.event == "issued" and not principal.is_customer:
        told["remark"] = coupon.memo  # the issuer's own
    return CouponEventAnswer.model_validate(
        told
        | event.more
        | {
            "at": event.at,
            "event": event.event,
            "by": event.by,
            "currency": coupon.currency,
            "amount": event.amount,
            "balance_after": balance,
        }
    )


async def _notes(session: AsyncSession, coupon: Coupon) -> AsyncIterator[_Event]:
    notes = await session.scalars(
        select(CouponNote)
        .where(CouponNote.coupon_id == coupon.id)
        .order_by(CouponNote.at.desc(), CouponNote.id.desc())
        .limit(EVENTS_MAX + 1)
    )
    for note in notes:
        yield _Event(
            note.at, note.event, note.id, note.by, code=note.code, rule=note.rule,
            order_id=note.order_id, attempt_id=note.attempt_id,
        )  # fmt: skip


async def _captured(session: AsyncSession, coupon: Coupon) -> dict[str, str]:
    """Order → the attempt that paid it with the coupon."""
    rows = await session.execute(
        select(Reservation.order_id, Reservation.attempt_id)
        .join(Attempt, Attempt.id == Reservation.attempt_id)
        .where(Reservation.coupon_id == coupon.id, Attempt.state == CAPTURED)
    )
    return {order_id: attempt_id for order_id, attempt_id in rows}


async def _movements(session: AsyncSession, coupon: Coupon) -> AsyncIterator[_Event]:
    """A coupon is locked while it moves, so the numbers of its postings are their order."""
    rows = await session.execute(
        select(
            Posting.id, Posting.amount, Movement.at, Movement.kind, Movement.order_id,
            Movement.operation_type,
        )
        .join(Movement, Movement.id == Posting.movement_id)
        .where(Posting.account_kind == coupon.account_kind, Posting.account_id == coupon.id)
        .order_by(Posting.id)
    )  # fmt: skip
    captured = await _captured(session, coupon)
    for row in rows:
        kind, by = row.kind, SYSTEM
        if kind == "returned":
            kind = "expired" if row.operation_type == EXPIRY else "recalled"
        if kind in ("transferred", "retrieved"):
            by = HOLDER if coupon.main_coupon_id is None else "master"
        if kind == "issued" or row.operation_type == MANUAL:
            by = ADMINISTRATOR if coupon.is_vendors else ISSUER
        yield _Event(
            row.at, kind, f"{row.id:020}", by, row.amount,
            order_id=row.order_id, operation_type=row.operation_type,
            attempt_id=captured.get(row.order_id) if kind == PAID else None,
        )  # fmt: skip


async def _attempts(
    session: AsyncSession, coupon: Coupon, movements: Sequence[_Event]
) -> AsyncIterator[Use[_Event]]:
    """Holds, and what ended them: a movement, or of a discount coupon and a release none."""
    redeemed = {event.more["attempt_id"]: event for event in movements if event.event == PAID}
    rows = await session.execute(
        select(
            Attempt.id, Attempt.state, Attempt.opened_at, Attempt.closed_at,
            Reservation.order_id, Reservation.amount,
        )
        .join(Attempt, Attempt.id == Reservation.attempt_id)
        .where(Reservation.coupon_id == coupon.id)
        .order_by(Attempt.opened_at, Attempt.closed_at.asc().nulls_last(), Attempt.id)
    )  # fmt: skip
    for row in rows:
        held = {
            "order_id": row.order_id, "attempt_id": row.id, "held_amount": row.amount,
        }  # fmt: skip
        end = redeemed.get(row.id)
        if row.state == RELEASED:
            end = _Event(row.closed_at, FREED, row.id, SYSTEM, **held)
        elif row.state == CAPTURED and coupon.coupon_type == DISCOUNT:
            end = _Event(row.closed_at, PAID, row.id, SYSTEM, **held)
        yield Use(_Event(row.opened_at, HELD, row.id, HOLDER, **held), end)


def _place(event: _Event) -> tuple[datetime, int, str]:
    return event.place
