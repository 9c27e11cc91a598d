"""Why a coupon is what it is now: in sentences, each with a code that does not change."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from voucher.coupons.coupon_notes import REFUSED, CouponNote
from voucher.coupons.models import EXPIRED, NOT_ACTIVATED, RECLAIMED, USABLE, USED, Coupon
from voucher.coupons.return_to_quota import (
    ASSOCIATED_ANEW,
    MANUAL,
    OTHER_RESELLER,
    TYPE_SWITCHED,
    UNLINKED,
)
from voucher.coupons.rule_words import RULES, rule_text
from voucher.ledger.models import Movement, Posting
from voucher.whys.show_history import find_coupon
from wire.codes import CHINESE, language_of
from wire.codes import code as code_of
from wire.native import Money, NativeAnswer, money_text

# Code of a sentence → its words; {} stands for the values.
SENTENCES: dict[str, tuple[str, str]] = {
    "issued": ("It was issued at {} with {} {}.", "该券于 {} 发放，面值 {} {}。"),
    "redeemed": ("Orders took {} {} of it.", "订单共抵扣 {} {}。"),
    "restored": ("Refunds gave {} {} back to it.", "退款共退回 {} {}。"),
    "returned": ("{} {} went back to its quota.", "共有 {} {} 退回额度。"),
    "returned_to_vendor": ("{} {} went back to the vendor.", "共有 {} {} 退回云服务商。"),
    "transferred": ("{} {} of it went to members.", "已向企业成员划拨 {} {}。"),
    "transferred_here": (
        "It is a part of the enterprise master's coupon {}.",
        "该券由企业主账号的券 {} 划拨而来。",
    ),
    "retrieved": ("{} {} came back from members.", "已从企业成员回收 {} {}。"),
    "retrieved_here": ("The enterprise master took {} {} back.", "企业主账号已回收 {} {}。"),
    "not_activated": ("It is not activated yet.", "该券尚未激活。"),
    "usable": ("It is usable.", "该券可使用。"),
    "used": (
        "It is used up: nothing is left since {}.",
        "该券已用完：自 {} 起余额为零。",
    ),
    "expired": ("Its time ended at {}.", "该券已于 {} 到期。"),
    "reclaimed_by_hand": ("Its issuer took it back at {}.", "发放方已于 {} 手动回收。"),
    "reclaimed_unlinked": (
        "It was taken back at {}: the association of its holder ended.",
        "因持有客户解除关联，该券已于 {} 回收。",
    ),
    "reclaimed_switched": (
        "It was taken back at {}: the association of its holder changed its type.",
        "因持有客户关联类型变更，该券已于 {} 回收。",
    ),
    "reclaimed_associated": (
        "It was taken back at {}: its holder was associated with another partner.",
        "因持有客户关联其他伙伴，该券已于 {} 回收。",
    ),
    "reclaimed_moved": (
        "It was taken back at {}: its holder moved to another reseller.",
        "因持有客户变更经销商，该券已于 {} 回收。",
    ),
    "reclaimed": ("It was taken back at {}.", "该券已于 {} 回收。"),
    "not_begun": ("Its time begins at {}.", "该券自 {} 起生效。"),
    "frozen": ("It is frozen: no order may take it.", "该券已冻结，订单不可使用。"),
    "held": (
        "Order {} holds {} {} of it, and with it the whole coupon until its payment ends.",
        "订单 {} 占用其中 {} {}；支付结束前整张券被锁定。",
    ),
    "recall_due": (
        "It is to be taken back as soon as the order lets go.",
        "订单释放后该券将被回收。",
    ),
    "refused": ("It was last refused at {}, {}: {}", "最近一次被拒绝于 {}，{}：{}"),
}
RECALLS = {
    MANUAL: "reclaimed_by_hand",
    UNLINKED: "reclaimed_unlinked",
    ASSOCIATED_ANEW: "reclaimed_associated",
    TYPE_SWITCHED: "reclaimed_switched",
    OTHER_RESELLER: "reclaimed_moved",
}
Said = tuple[str, tuple[object, ...]]


class SentenceAnswer(NativeAnswer):
    """A reason: `code` names it, `text` says it in the language asked for."""

    code: str
    text: str


class CouponExplanation(NativeAnswer):
    """What the coupon is now, and why."""

    coupon_id: str
    status: int  # 1 not activated, 2 usable, 3 used, 4 expired, 5 reclaimed
    currency: str
    balance: Money
    sentences: list[SentenceAnswer]


async def explain_coupon(
    session: AsyncSession, principal: Principal, coupon_id: str, now: datetime, language: str
) -> CouponExplanation:
    """Where its balance is, why it has its status, what stands in its way, what refused it last.

    Raises:
        NotFoundError: no such coupon of the caller.

    """
    coupon = await find_coupon(session, principal, coupon_id)
    said = [
        *_of_balance(coupon, await _sums(session, coupon)),
        *_of_status(coupon, await _recall(session, coupon), now),
        *_of_obstacles(coupon, now),
        *_of_refusal(await _refusal(session, coupon), language),
    ]
    place = 1 if language_of(language) == CHINESE else 0
    return CouponExplanation(
        coupon_id=coupon.id,
        status=coupon.status_at(now),
        currency=coupon.currency,
        balance=coupon.balance,
        sentences=[
            SentenceAnswer(code=code, text=SENTENCES[code][place].format(*values))
            for code, values in said
        ],
    )


def _of_balance(coupon: Coupon, sums: dict[str, Decimal]) -> Iterator[Said]:
    face = money_text(coupon.face_value)
    yield "issued", (coupon.created_at.isoformat(), face, coupon.currency)
    sub = coupon.main_coupon_id is not None
    if sub:
        yield "transferred_here", (coupon.main_coupon_id,)
    for kind in ("transferred", "retrieved"):
        if sums.get(kind) and (not sub or kind == "retrieved"):
            amount = money_text(abs(sums[kind]))
            yield (f"{kind}_here" if sub else kind), (amount, coupon.currency)
    for kind in ("redeemed", "restored", "returned"):
        if sums.get(kind):
            code = "returned_to_vendor" if kind == "returned" and coupon.is_vendors else kind
            yield code, (money_text(abs(sums[kind])), coupon.currency)


def _of_status(coupon: Coupon, recall: int | None, now: datetime) -> Iterator[Said]:
    ended = coupon.ended_at.isoformat() if coupon.ended_at is not None else ""
    match coupon.status_at(now):
        case status if status == EXPIRED:
            yield "expired", (coupon.expire_at.isoformat(),)
        case status if status == RECLAIMED:
            yield RECALLS.get(recall or 0, "reclaimed"), (ended,)
        case status if status == USED:
            yield "used", (ended,)
        case status if status == NOT_ACTIVATED:
            yield "not_activated", ()
        case status if status == USABLE:
            yield "usable", ()


def _of_obstacles(coupon: Coupon, now: datetime) -> Iterator[Said]:
    if coupon.effective_at > now:
        yield "not_begun", (coupon.effective_at.isoformat(),)
    if coupon.is_frozen:
        yield "frozen", ()
    if coupon.lock_order_id is not None:
        held = money_text(coupon.reserved_amount)
        yield "held", (coupon.lock_order_id, held, coupon.currency)
    if coupon.recall_due is not None:
        yield "recall_due", ()


def _of_refusal(note: CouponNote | None, language: str) -> Iterator[Said]:
    if note is None or note.code is None:
        return
    known = note.rule in RULES
    why = rule_text(note.rule or "", language) if known else code_of(note.code).text(language)
    yield "refused", (note.at.isoformat(), note.code, why)


async def _sums(session: AsyncSession, coupon: Coupon) -> dict[str, Decimal]:
    rows = await session.execute(
        select(Movement.kind, func.sum(Posting.amount))
        .join(Movement, Movement.id == Posting.movement_id)
        .where(Posting.account_kind == coupon.account_kind, Posting.account_id == coupon.id)
        .group_by(Movement.kind)
    )
    return {kind: amount for kind, amount in rows}


async def _recall(session: AsyncSession, coupon: Coupon) -> int | None:
    """Why it was taken back."""
    found: int | None = await session.scalar(
        select(Movement.operation_type)
        .where(Movement.coupon_id == coupon.id, Movement.kind == "returned")
        .order_by(Movement.id)
        .limit(1)
    )
    return found


async def _refusal(session: AsyncSession, coupon: Coupon) -> CouponNote | None:
    """The last one, where nothing was paid since."""
    wanted = select(CouponNote).where(
        CouponNote.coupon_id == coupon.id, CouponNote.event == REFUSED
    )
    if coupon.last_used_at is not None:
        wanted = wanted.where(CouponNote.at >= coupon.last_used_at)
    latest = wanted.order_by(CouponNote.at.desc(), CouponNote.id.desc()).limit(1)
    found: CouponNote | None = await session.scalar(latest)
    return found
