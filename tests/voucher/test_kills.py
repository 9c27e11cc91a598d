"""Voucher killed amid a deed: it is done once, or not at all, and the same question mends it.

Campaign items and items of bulk issues are killed in the tests of those.
"""

import asyncio
import json
import signal
import sys
from dataclasses import asdict
from typing import Any

import pytest

from chassis.delivery import Delivery, Move
from chassis.identity import Principal
from chassis.messages import Message
from chassis.release import Desk, StillFailingError
from chassis.tables import ConsumerPosition
from testkit import outbox
from testkit.databases import ServiceDatabase
from testkit.door import ADMINISTRATOR
from tests.voucher.builders import (
    DISTRIBUTOR,
    HAND_OUT,
    ISSUE,
    NOW,
    PARTNER,
    RESELLER,
    VoucherDoor,
    associated,
    hear,
    joined,
    paid,
    rows_of,
    settle_in,
    unlinked,
)
from tests.voucher.settlement_builders import SETTLEMENTS, granted, kept, line
from tests.voucher.test_restore_coupons import refunded
from voucher import consumers as handlers
from voucher.consumers import consumers
from voucher.coupons.models import Coupon
from voucher.partner_vouchers.models import SettledLine
from voucher.quotas.models import Quota

pytestmark = pytest.mark.postgres
Json = dict[str, Any]

# Reads what to do, and does each in a process of its own, forked when all is imported.
KILLED = """
import asyncio, json, os, sys
from datetime import datetime
from chassis.identity import Principal
from contracts.order import OrderRefunded
from testkit import bus
from testkit.clock import StandingClock
from testkit.door import Door
from testkit.keys import INTERNAL_KEYS
from voucher.app import build
from voucher.settings import VoucherSettings
from voucher.consumers import consumers

async def do(url, prefix, now, deed):
    settings = VoucherSettings(
        database_url=url, database_prefix=prefix, kafka_bootstrap_servers="127.0.0.1:1",
        bus_enabled=False, internal_keys=INTERNAL_KEYS, crash_at=deed["crash_at"],
    )
    app = build(settings, StandingClock(datetime.fromisoformat(now)))
    if "event" in deed:
        await bus.hear(app.parts.database, consumers, OrderRefunded.model_validate(deed["event"]))
    else:
        by = Principal(**{**deed["by"], "permissions": frozenset()})
        async with Door.of(app, by) as door:
            await door.post(deed["path"], deed["body"])

url, prefix, now, deeds = sys.argv[1:]
ends = []
for deed in json.loads(deeds):
    pid = os.fork()
    if pid == 0:
        try:
            asyncio.run(do(url, prefix, now, deed))
        finally:
            os._exit(0)
    ends.append(os.WTERMSIG(os.waitpid(pid, 0)[1]))
print(json.dumps(ends))
"""


def asked(crash_at: str, path: str, body: Any, by: Principal) -> Json:
    claims = {name: value for name, value in asdict(by).items() if name != "permissions"}
    return {"crash_at": crash_at, "path": path, "body": body, "by": claims}


async def kill(store: ServiceDatabase, *deeds: Json) -> None:
    """Each deed in a process that dies at its point."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, store.server_url, store.prefix, NOW.isoformat(),
        json.dumps(deeds), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert json.loads(out.decode().splitlines()[-1]) == [signal.SIGKILL] * len(deeds)


async def test_a_deed_that_was_killed_is_done_once(
    door: VoucherDoor, service_store: ServiceDatabase
) -> None:
    """Break: commit before the point (`HttpSession`); claim a settlement's id by itself."""
    await settle_in(door)
    await hear(
        door.database, joined("dist", "distributor"),
        joined("r1", "reseller", distributor_id="dist"),
        joined("uses", coupon_mode="use_vouchers"), associated("x", partner_id="uses"),
    )  # fmt: skip
    quota, parent = await door.grant("100.00"), await door.grant(partner_id="dist")
    coupon = await door.coupon(quota, face=50)
    assert (await door.reserve("a1", [coupon], "30.00")).status_code == 200
    await hear(door.database, paid("a1", {coupon: "30.00"}))
    voucher = await granted(door, "40.00", partner_id="uses")
    issue = {"quota_id": quota, "customer_ids": ["c1"], "face_value": "10.00"}
    hand_out = {"quota_id": parent, "indirect_partner_ids": ["r1"], "quota_amount": "60.00"}
    settlement = {
        "settlement_id": "s1", "partner_id": "uses", "lines": [line("l1", "15.00", customer_id="x")]
    }  # fmt: skip
    restore = {"event": json.loads(refunded("f1", {coupon: "20.00"}).model_dump_json())}
    stated = len(await outbox.stated(door.database))

    await kill(
        service_store,
        asked("voucher.issued", ISSUE, issue, PARTNER),
        asked("voucher.handed_out", HAND_OUT, hand_out, DISTRIBUTOR),
        asked("voucher.settled", SETTLEMENTS, settlement, ADMINISTRATOR),
        restore | {"crash_at": "voucher.restored"},
    )
    assert await door.balances(quota, parent) == ["50.00", "1000.00"]
    assert [await rows_of(door.database, table) for table in (Coupon, Quota, SettledLine)] == [
        1, 2, 0,
    ]  # fmt: skip
    assert (await door.held(coupon)).balance == 20
    assert (await kept(door, voucher)).balance == 40
    assert len(await outbox.stated(door.database)) == stated
    assert await door.is_balanced()

    await kill(
        service_store,
        asked("business.committed", ISSUE, issue, PARTNER),
        asked("business.committed", HAND_OUT, hand_out, DISTRIBUTOR),
        asked("business.committed", SETTLEMENTS, settlement, ADMINISTRATOR),
        restore | {"crash_at": "business.committed"},
    )
    again = await door.post(SETTLEMENTS, settlement, ADMINISTRATOR)  # nobody got the answer
    assert (again.status_code, again.json()["due"]) == (200, "0.00")
    await hear(door.database, refunded("f1", {coupon: "20.00"}))
    assert await door.balances(quota, parent) == ["40.00", "940.00"]
    assert [await rows_of(door.database, table) for table in (Coupon, Quota, SettledLine)] == [
        2, 3, 1,
    ]  # fmt: skip
    assert (await door.held(coupon)).balance == 40
    assert (await kept(door, voucher)).balance == 25
    told = await outbox.types(door.database)
    for once in ("voucher.restored", "voucher.partner_voucher_used"):
        assert told.count(once) == 1, once
    assert told.count("voucher.issued") == 2  # the first was before
    [child] = [row for row in await quotas_of(door, RESELLER)]
    assert (child["quota_value"], child["balance"]) == ("60.00", "60.00")
    assert await door.is_balanced()


async def quotas_of(door: VoucherDoor, by: Principal) -> list[Json]:
    """As its owner sees them."""
    answer = await door.get("/api/quotas", by)
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["quotas"]
    return found


async def test_an_event_that_starts_a_recall_is_parked_and_replayed(
    door: VoucherDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: recall what was recalled before; let an event pass the parked one before it."""
    await settle_in(door)
    quota = await door.grant("100.00")
    coupon = await door.coupon(quota, face=30)
    async with door.database.transaction() as session:
        session.add(
            ConsumerPosition(consumer=consumers.name, topic="customer", partition=0, position=0)
        )
    delivery = Delivery(consumers, door.database)
    gone, back = unlinked("c1", 2), associated("c1", 3, partner_id="other")
    for position, event in enumerate((gone, back)):
        headers = {
            "ce_id": str(event.event_id), "ce_type": event.TYPE, "ce_dataschema": event.data_schema,
        }  # fmt: skip
        message = Message(
            "customer", 0, position, "c1", headers, event.model_dump_json().encode(),
            NOW.timestamp(),
        )  # fmt: skip
        move = {("customer", 0): Move(position, position + 1, str(event.event_id))}
        parking = "RuntimeError: no quota could be locked" if position == 0 else None
        await delivery.deliver([message], move, parking=parking)
    assert (await door.held(coupon)).balance == 30  # the second event waits behind the first
    desk = Desk({consumers.name: consumers}, door.database, ADMINISTRATOR, NOW)

    async def fail(*_: Any) -> None:
        raise RuntimeError("no quota could be locked")

    with monkeypatch.context() as failing:
        failing.setattr(handlers, "recall_customer_coupons", fail)
        with pytest.raises(StillFailingError):
            await desk.replay(consumers.name, "customer", "c1")
    assert (await door.held(coupon)).balance == 30
    assert await desk.replay(consumers.name, "customer", "c1") == 2
    recalled = await outbox.bodies(door.database, "voucher.recalled")
    assert [(one["coupon_id"], one["amount"]) for one in recalled] == [(coupon, "30.00")]
    assert (await door.held(coupon)).status == 5
    assert await door.balances(quota) == ["100.00"]
    assert await door.is_balanced()
