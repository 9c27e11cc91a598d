"""The door to recall campaigns."""

from typing import Annotated

from fastapi import Query, Request, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.jobs import ListJobItems
from chassis.language import spoken_language
from chassis.routes import Router
from voucher.recall_campaigns.native_answers import (
    RecallCampaignAnswer,
    RecallCampaignItemsAnswer,
    native_campaign,
    native_campaign_item,
)
from voucher.recall_campaigns.plan_campaign import PlanRecall, plan_campaign
from voucher.recall_campaigns.show_campaign import (
    list_campaign_items,
    show_campaign,
    shown,
    stop_campaign,
)
from voucher.recall_campaigns.start_campaign import StartRecall, start_campaign
from wire.types import PathId

router = Router()


@router.post("/api/recall-campaigns", response_model=RecallCampaignAnswer)
async def plan(
    request: Request,
    wanted: PlanRecall,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Say which coupons are meant, and see what would happen; nothing moves."""
    campaign = await plan_campaign(session, principal, wanted, now)
    told = native_campaign(await shown(session, campaign, now), now, _language(request))
    location = {"Location": f"/api/recall-campaigns/{campaign.job_id}"}
    return await idempotency.answer(told, location)


@router.get("/api/recall-campaigns/{campaign_id}", response_model=RecallCampaignAnswer)
async def show(
    request: Request,
    campaign_id: PathId,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
) -> Response:
    """How far it is; until it is started, what it would do at this moment."""
    found = await show_campaign(session, principal, campaign_id, now)
    return JsonAnswer(native_campaign(found, now, _language(request)))


@router.get("/api/recall-campaigns/{campaign_id}/items", response_model=RecallCampaignItemsAnswer)
async def items(
    request: Request,
    campaign_id: PathId,
    wanted: Annotated[ListJobItems, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
) -> Response:
    """What became of each coupon, or what would."""
    campaign, page, following = await list_campaign_items(
        session, principal, campaign_id, wanted, now
    )
    lines = [native_campaign_item(campaign, item, _language(request)) for item in page]
    return JsonAnswer(RecallCampaignItemsAnswer(items=lines, next=following))


@router.post("/api/recall-campaigns/{campaign_id}/start", response_model=RecallCampaignAnswer)
async def start(
    request: Request,
    campaign_id: PathId,
    wanted: StartRecall,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Recall what the preview named."""
    campaign = await start_campaign(session, principal, campaign_id, wanted, now)
    told = native_campaign(await shown(session, campaign, now), now, _language(request))
    return await idempotency.answer(told)


@router.post("/api/recall-campaigns/{campaign_id}/stop", response_model=RecallCampaignAnswer)
async def stop(
    request: Request,
    campaign_id: PathId,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Recall no further coupon."""
    found = await stop_campaign(session, principal, campaign_id, now)
    return await idempotency.answer(native_campaign(found, now, _language(request)))


def _language(request: Request) -> str:
    return spoken_language(request.scope["headers"], is_ours=True)
