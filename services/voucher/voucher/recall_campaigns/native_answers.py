"""What the native API shows of a recall campaign and of its coupons."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from chassis.errors import RefusedError
from chassis.jobs import FAILED, WAITING, RefusedItemsAnswer, refused_items
from voucher.recall_campaigns.look import CODES
from voucher.recall_campaigns.models import RecallCampaign, RecallCampaignItem
from voucher.recall_campaigns.plan_campaign import RecallFilter
from voucher.recall_campaigns.show_campaign import CampaignShown
from wire.native import Money, NativeAnswer


class RecallFilterAnswer(NativeAnswer):
    """Which coupons are meant; what is null does not narrow."""

    quota_id: str | None
    customer_ids: list[str] | None
    label: str | None
    account_manager_id: str | None
    issued_from: datetime | None
    issued_to: datetime | None  # exclusive
    ends_from: datetime | None
    ends_to: datetime | None  # exclusive
    unused_only: bool
    currency: str
    face_value_from: Money | None
    face_value_to: Money | None


class RecalledQuotaAnswer(NativeAnswer):
    """Coupons of one quota: seen before the start, and recalled since."""

    quota_id: str
    count: int
    currency: str
    amount: Money
    recalled_amount: Money


class NotRecallableAnswer(NativeAnswer):
    """Coupons that the filter means and that would be refused."""

    reason: str  # used, expired, reclaimed, held, not_activated, not_resale
    code: str
    message: str
    count: int
    currency: str
    amount: Money  # that stays in them


class RecallCampaignAnswer(NativeAnswer):
    """A campaign; before its start as it would be at this moment, and `preview` names that."""

    campaign_id: str
    partner_id: str
    status: str  # planned, running, done, stopped
    filter: RecallFilterAnswer
    reason: str | None
    preview: str | None  # null: it was stopped and never started
    count: int
    currency: str
    amount: Money
    quotas: list[RecalledQuotaAnswer]
    cannot: list[NotRecallableAnswer]  # of the preview; since the start, see `refused`
    succeeded: int
    failed: int
    waiting: int  # of a stopped campaign: what is not recalled any more
    recalled_amount: Money
    refused: list[RefusedItemsAnswer]  # the failed ones by their code
    as_of: datetime
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class RecallCampaignItemAnswer(NativeAnswer):
    """One coupon; before the start `failed` says that it would be refused, and why."""

    coupon_id: str
    quota_id: str
    customer_id: str
    state: str  # waiting, succeeded, failed
    currency: str
    amount: Money  # that was seen
    recalled_amount: Money | None
    code: str | None
    message: str | None
    ended_at: datetime | None


class RecallCampaignItemsAnswer(NativeAnswer):
    """A page of coupons; `next` goes into `after` for the next page, null on the last one."""

    items: list[RecallCampaignItemAnswer]
    next: str | None


def native_campaign(shown: CampaignShown, now: datetime, language: str) -> RecallCampaignAnswer:
    """The campaign with its sums."""
    campaign, preview, progress = shown.campaign, shown.preview, shown.progress
    currency = campaign.currency
    kept = RecallFilter.model_validate(campaign.filter).model_dump() | {"currency": currency}
    cannot = [
        NotRecallableAnswer(
            reason=part.name, code=CODES[part.name], count=part.count, currency=currency,
            message=_message(CODES[part.name], language), amount=part.amount,
        )
        for part in (preview.cannot if preview else ())
    ]  # fmt: skip
    return RecallCampaignAnswer.of(
        campaign,
        campaign_id=campaign.job_id,
        filter=RecallFilterAnswer(**kept),
        preview=preview.name if preview else campaign.preview,
        count=preview.count if preview else campaign.total,
        amount=preview.amount if preview else campaign.amount,
        quotas=[RecalledQuotaAnswer.of(one, currency=currency) for one in shown.quotas],
        cannot=cannot,
        succeeded=progress.succeeded,
        failed=progress.failed,
        waiting=progress.waiting,
        recalled_amount=sum((one.recalled_amount for one in shown.quotas), Decimal(0)),
        refused=refused_items(progress.refused, language),
        as_of=now,
    )


def native_campaign_item(
    campaign: RecallCampaign, item: RecallCampaignItem | Row[Any], language: str
) -> RecallCampaignItemAnswer:
    """The coupon as it went, or as it would go."""
    currency = campaign.currency
    if isinstance(item, RecallCampaignItem):
        return RecallCampaignItemAnswer.of(item, currency=currency, message=item.message(language))
    code = CODES[item.why] if item.why else None
    return RecallCampaignItemAnswer(
        coupon_id=item.coupon_id, quota_id=item.quota_id, customer_id=item.customer_id,
        state=FAILED if code else WAITING, currency=currency, amount=item.amount,
        recalled_amount=None, code=code, message=_message(code, language) if code else None,
        ended_at=None,
    )  # fmt: skip


def _message(code: str, language: str) -> str:
    return RefusedError(code=code).message(language)
