"""Recall campaigns: seen beforehand, started as they were seen, and each coupon once."""

import asyncio
import signal
import sys
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import func, select

from chassis.business_clock import BusinessClock
from chassis.identity import Principal
from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.databases import ServiceDatabase
from testkit.door import ADMINISTRATOR
from tests.voucher.builders import (
    LATER,
    NOW,
    OTHER,
    PARTNER,
    VoucherDoor,
    associated,
    customer,
    failed,
    hear,
    joined,
    paid,
    rows_of,
    settle_in,
    switched,
    wire,
)
from voucher.ledger.models import Posting
from voucher.recall_campaigns.forget_campaigns import forget_campaigns
from voucher.recall_campaigns.models import RecallCampaign, RecallCampaignItem
from voucher.recall_campaigns.run_campaigns import Campaigns

pytestmark = pytest.mark.postgres

CAMPAIGNS = "/api/recall-campaigns"
Json = dict[str, Any]


async def plan(door: VoucherDoor, by: Principal = PARTNER, **asked: Any) -> Json:
    answer = await door.post(CAMPAIGNS, {"filter": asked, "reason": "a wrong list"}, by)
    assert answer.status_code == 201, answer.text
    campaign: Json = answer.json()
    assert answer.headers["location"] == f"{CAMPAIGNS}/{campaign['campaign_id']}"
    assert (campaign["status"], campaign["recalled_amount"]) == ("planned", "0.00")
    return campaign


async def begin(door: VoucherDoor, campaign: Json) -> Response:
    body = {"preview": campaign["preview"]}
    return await door.post(f"{CAMPAIGNS}/{campaign['campaign_id']}/start", body)


async def shown(door: VoucherDoor, campaign: Json, by: Principal = PARTNER) -> Json:
    answer = await door.get(f"{CAMPAIGNS}/{campaign['campaign_id']}", by)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def lines_of(door: VoucherDoor, campaign: Json, **query: Any) -> list[Json]:
    """All pages, two coupons at a time."""
    found: list[Json] = []
    after: Json = {}
    while True:
        path = f"{CAMPAIGNS}/{campaign['campaign_id']}/items"
        answer = await door.get(path, query={"limit": 2} | after | query)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        if answer.json()["next"] is None:
            return found
        after = {"after": answer.json()["next"]}


def campaigns(door: VoucherDoor, clock: StandingClock) -> Campaigns:
    return Campaigns(door.database, BusinessClock(clock, None).now)


async def returned(door: VoucherDoor, coupon_ids: list[str]) -> Decimal:
    """What left these coupons, by the ledger."""
    async with door.database.transaction() as session:
        amount: Decimal | None = await session.scalar(
            select(func.sum(Posting.amount)).where(
                Posting.account_kind == "coupon",
                Posting.account_id.in_(coupon_ids),
                Posting.amount < 0,
            )
        )
    return -(amount or Decimal(0))


async def test_a_campaign_does_what_its_preview_named_and_nothing_before(
    door: VoucherDoor, clock: StandingClock
) -> None:
    """Break: move at the plan; let any preview start it; leave the held one out of the name."""
    await settle_in(door, "c1", "c2", "c3")
    quota, second = await door.grant("1000.00"), await door.grant("50.00")
    ids = [await door.coupon(quota, one, 100) for one in ("c1", "c2", "c3")]
    ids.append(await door.coupon(second, "c1", 20))
    await hear(door.database, switched("c3"))  # recalled by that
    assert (await door.reserve("a1", [ids[1]], customer_id="c2")).status_code == 200
    told = await audit.deeds(door.database)
    campaign = await plan(door, customer_ids=["c1", "c2", "c3", "nobody"])
    assert (campaign["count"], campaign["amount"]) == (2, "120.00")
    assert [(q["quota_id"], q["count"], q["amount"]) for q in campaign["quotas"]] == sorted(
        [(quota, 1, "100.00"), (second, 1, "20.00")]
    )
    assert [(one["reason"], one["code"], one["count"], one["amount"])
            for one in campaign["cannot"]] == [
        ("held", "CBC.0155", 1, "100.00"), ("reclaimed", "CBC.0155", 1, "0.00"),
    ]  # fmt: skip
    seen = await lines_of(door, campaign)
    assert [(one["coupon_id"], one["state"], one["code"]) for one in seen] == [
        (ids[0], "waiting", None), (ids[1], "failed", "CBC.0155"),
        (ids[2], "failed", "CBC.0155"), (ids[3], "waiting", None),
    ]  # fmt: skip
    assert (await shown(door, campaign))["preview"] == campaign["preview"]
    assert await campaigns(door, clock).run() == 0
    assert await door.balances(quota, second) == ["800.00", "30.00"]
    assert (await audit.deeds(door.database))[len(told):] == [
        ("recall_campaign.plan", campaign["campaign_id"])
    ]  # fmt: skip

    await hear(door.database, failed("a1"))  # the held one is free: something else would happen
    stale = await begin(door, campaign)
    assert (stale.status_code, stale.json()["code"]) == (409, "CHB.0409")
    assert await rows_of(door.database, RecallCampaignItem) == 0
    campaign = await shown(door, campaign)
    assert (campaign["count"], campaign["amount"]) == (3, "220.00")
    started = await begin(door, campaign)
    assert (started.status_code, started.json()["status"]) == (202, "running")
    assert (started.json()["waiting"], started.json()["preview"]) == (3, campaign["preview"])
    assert (await begin(door, campaign)).status_code == 409
    await campaigns(door, clock).run()

    done = await shown(door, campaign, ADMINISTRATOR)
    assert (done["status"], done["succeeded"], done["failed"], done["waiting"]) == ("done", 3, 0, 0)
    assert (done["recalled_amount"], done["amount"]) == ("220.00", "220.00")
    lines = await lines_of(door, campaign)
    assert [one["coupon_id"] for one in lines] == [ids[0], ids[1], ids[3]]
    recalled = sum((Decimal(one["recalled_amount"]) for one in lines), Decimal(0))
    assert recalled == Decimal(done["recalled_amount"])
    assert recalled == await returned(door, [one["coupon_id"] for one in lines])
    assert sum(Decimal(q["recalled_amount"]) for q in done["quotas"]) == recalled
    assert await door.balances(quota, second) == ["1000.00", "50.00"]
    facts = await outbox.bodies(door.database, "voucher.recalled")
    assert sum(Decimal(one["amount"]) for one in facts if one["coupon_id"] != ids[2]) == recalled
    assert await door.is_balanced()


async def test_what_became_of_a_coupon_meanwhile_is_its_own_lines_matter(
    door: VoucherDoor, clock: StandingClock
) -> None:
    """Break: recall what was seen and not what is there; pass over what has paid meanwhile."""
    await settle_in(door)
    quota = await door.grant("1000.00")
    ids = [await door.coupon(quota, "c1", 100) for _ in range(3)]
    unused = await plan(door, quota_id=quota, unused_only=True)  # its turn comes first
    whole = await plan(door, quota_id=quota)
    assert (await begin(door, whole)).status_code == 202
    assert (await begin(door, unused)).status_code == 202
    assert (await door.reserve("a1", [ids[0]], "80.00", "CS1")).status_code == 200
    await hear(door.database, paid("a1", {ids[0]: "80.00"}))  # 20.00 are left
    assert (await door.reserve("a2", [ids[1]], "80.00", "CS2")).status_code == 200
    await campaigns(door, clock).run()
    first, second = await shown(door, whole), await shown(door, unused)
    assert (first["succeeded"], first["failed"], first["recalled_amount"]) == (1, 2, "20.00")
    assert [(one["code"], one["count"]) for one in first["refused"]] == [("CBC.0155", 2)]
    assert (second["succeeded"], second["failed"]) == (1, 2)
    assert (second["amount"], second["recalled_amount"]) == ("300.00", "100.00")
    held = (await door.get(f"/api/coupons/{ids[1]}/history")).json()["history"]
    assert [one["code"] for one in held if one["event"] == "refused"] == ["CBC.0155"] * 2
    await hear(door.database, failed("a2", "CS2"))
    assert (await door.held(ids[1])).balance == 100  # it stays where it is
    assert await door.is_balanced()


KILLED = """
import asyncio, sys
from datetime import datetime
from testkit.keys import INTERNAL_KEYS
from voucher.app import build
from voucher.settings import VoucherSettings
from voucher.recall_campaigns.run_campaigns import Campaigns

async def main(url, prefix, now):
    settings = VoucherSettings(
        database_url=url, database_prefix=prefix, kafka_bootstrap_servers="127.0.0.1:1",
        bus_enabled=False, internal_keys=INTERNAL_KEYS, crash_at="voucher.campaign_item_done:3",
    )
    async def clock():
        return datetime.fromisoformat(now)
    await Campaigns(build(settings).parts.database, clock).run()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_killed_campaign_goes_on_and_recalls_each_coupon_once(
    door: VoucherDoor, clock: StandingClock, service_store: ServiceDatabase
) -> None:
    """Break: commit the recall before the line's outcome; take a line without a lock."""
    await settle_in(door)
    quota = await door.grant("100.00")
    ids = [await door.coupon(quota, "c1", 5) for _ in range(10)]
    campaign = await plan(door, quota_id=quota)
    assert (await begin(door, campaign)).status_code == 202
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, service_store.server_url, service_store.prefix,
        NOW.isoformat(),
    )  # fmt: skip
    assert await killed.wait() == -signal.SIGKILL
    assert 1 <= (await shown(door, campaign))["succeeded"] <= 2
    for _ in range(20):  # the server lets go of what the dead process held when it hears of it
        await asyncio.gather(*(campaigns(door, clock).run() for _ in range(3)))
        if (await shown(door, campaign))["status"] == "done":
            break
    done = await shown(door, campaign)
    assert (done["status"], done["succeeded"], done["recalled_amount"]) == ("done", 10, "50.00")
    stated = [one["coupon_id"] for one in await outbox.bodies(door.database, "voucher.recalled")]
    assert sorted(stated) == sorted(ids)
    assert await door.balances(quota) == ["100.00"]
    assert await door.is_balanced()


async def test_each_condition_narrows(door: VoucherDoor, clock: StandingClock) -> None:
    """Break: leave any one of them out, or let a window's end belong to it."""
    await settle_in(door)
    await hear(
        door.database, associated("c2", label="gold"), associated("c3", account_manager_id="m1")
    )
    quota, second = await door.grant(), await door.grant()
    first = await door.coupon(quota, "c1", 10)
    gold = await door.coupon(quota, "c2", 20, expire_time=wire(LATER - timedelta(days=1)))
    clock.now += timedelta(hours=1)
    theirs = await door.coupon(second, "c3", 30)
    later = wire(NOW + timedelta(hours=1))
    for asked, expected in (
        ({"quota_id": quota}, [first, gold]),
        ({"customer_ids": ["c1", "c3"]}, [first, theirs]),
        ({"label": "gold"}, [gold]),
        ({"account_manager_id": "m1"}, [theirs]),
        ({"issued_from": later}, [theirs]),
        ({"issued_from": wire(NOW), "issued_to": later}, [first, gold]),
        ({"ends_to": wire(LATER)}, [gold]),
        ({"ends_from": wire(LATER)}, [first, theirs]),
        ({"face_value_from": "20.00"}, [gold, theirs]),
        ({"face_value_to": "20.00", "currency": "CNY"}, [first, gold]),
        ({"quota_id": quota, "label": "none"}, []),
        ({"unused_only": True}, [first, gold, theirs]),
    ):
        campaign = await plan(door, **asked)
        lines = await lines_of(door, campaign, state="waiting")
        assert [one["coupon_id"] for one in lines] == sorted(expected), asked
        assert campaign["count"] == len(expected)
        for name, value in asked.items():
            assert campaign["filter"][name] == value, asked


async def test_what_no_campaign_can_be_is_refused(door: VoucherDoor) -> None:
    """Break: take another partner's quota; let the end of a window come before its begin."""
    await settle_in(door)
    await hear(door.database, joined("other"), associated("x1", partner_id="other"))
    theirs = await door.grant(partner_id="other")
    coupon = await door.coupon(theirs, "x1", 10, by=OTHER)
    day = {name: wire(NOW) for name in ("issued_from", "issued_to")}
    for asked, code, field in (
        ({"quota_id": theirs}, "CBC.99000012", None),
        ({"quota_id": "nobodys"}, "CBC.99000012", None),
        ({}, "CBC.0100", "filter"),
        ({"unused_only": False, "currency": "CNY"}, "CBC.0100", "filter"),
        ({"customer_ids": []}, "CBC.0100", "filter.customer_ids"),
        ({"customer_ids": ["c1", "c1"]}, "CBC.0100", "filter.customer_ids"),
        ({"customer_ids": ["c1"] * 501}, "CBC.0100", "filter.customer_ids"),
        (day, "CBC.0100", "filter.issued_to"),
        ({"ends_from": wire(LATER), "ends_to": wire(NOW)}, "CBC.0100", "filter.ends_to"),
        ({"ends_to": "tomorrow"}, "CBC.0100", "filter.ends_to"),
        ({"face_value_from": "1.001"}, "CBC.0100", "filter.face_value_from"),
        ({"face_value_from": True}, "CBC.0100", "filter.face_value_from"),
        ({"face_value_to": 0}, "CBC.0100", "filter.face_value_to"),
        ({"face_value_from": "2", "face_value_to": "1"}, "CBC.0100", "filter.face_value_to"),
        ({"label": "x", "currency": "USD"}, "CBC.0100", "filter.currency"),
        ({"colour": "red"}, "CBC.0100", "filter.colour"),
    ):
        answer = await door.post(CAMPAIGNS, {"filter": asked})
        assert (answer.status_code, answer.json()["code"]) == (400, code), asked
        assert field is None or field in answer.text, asked
    campaign = await plan(door, customer_ids=["x1"])  # somebody, whose coupons are not ours
    assert (campaign["count"], campaign["cannot"]) == (0, [])
    assert (await begin(door, campaign | {"preview": "x"})).status_code == 409
    assert (await door.held(coupon)).balance == 10
    for method, what, body in (
        ("GET", "", None), ("GET", "/items", None), ("POST", "/stop", None),
        ("POST", "/start", {"preview": campaign["preview"]}),
    ):  # fmt: skip
        path = f"{CAMPAIGNS}/{campaign['campaign_id']}{what}"
        answer = await door.send(method, path, body, OTHER)
        assert (answer.status_code, answer.json()["code"]) == (404, "CHB.0404"), what
        answer = await door.send(method, path, body, customer("c1"))
        assert answer.status_code == 403, what
    answers = [await door.post(CAMPAIGNS, {"filter": {"label": "x"}}) for _ in range(20)]
    assert [one.status_code for one in answers] == [201] * 19 + [409]


async def test_a_stopped_campaign_recalls_nothing_more_and_old_ones_are_forgotten(
    door: VoucherDoor, clock: StandingClock
) -> None:
    """Break: let a planned one that was stopped be started; forget what is still planned."""
    await settle_in(door)
    quota = await door.grant()
    await door.coupon(quota)
    running, planned = await plan(door, quota_id=quota), await plan(door, quota_id=quota)
    assert (await begin(door, running)).status_code == 202
    for campaign in (running, planned):
        stopped = await door.post(f"{CAMPAIGNS}/{campaign['campaign_id']}/stop")
        assert (stopped.status_code, stopped.json()["status"]) == (200, "stopped")
        late = await begin(door, campaign)
        assert (late.status_code, late.json()["code"]) == (409, "CHB.0409")
    assert await campaigns(door, clock).run() == 0
    assert await door.balances(quota) == ["900.00"]
    kept = await plan(door, quota_id=quota)
    clock.now += timedelta(days=89)
    await forget_campaigns(door.database, clock.now)
    assert await rows_of(door.database, RecallCampaign) == 3
    clock.now += timedelta(days=2)
    again = await plan(door, quota_id=quota)
    await forget_campaigns(door.database, clock.now)
    assert await rows_of(door.database, RecallCampaign) == 1
    assert (await door.get(f"{CAMPAIGNS}/{kept['campaign_id']}")).status_code == 404
    assert (await shown(door, again))["count"] == 1
