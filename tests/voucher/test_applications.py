"""Applications for test coupons: one at a time, within the cap, by a link that is one."""

import asyncio
from typing import Any

import pytest
from httpx import Response

from chassis.errors import BadFieldError
from contracts.partner import PartnerSolutionChanged
from testkit import audit, outbox
from testkit.door import ADMINISTRATOR, code_of
from tests.restating import differences, restated
from tests.voucher.builders import (
    NOW,
    OTHER,
    OWN,
    PARTNER,
    VoucherDoor,
    customer,
    hear,
    joined,
    rows_of,
)
from voucher.applications.check_link import check_link
from voucher.applications.models import Application
from voucher.applications.restate_applications import APPLICATIONS as RESTATED

APPLICATIONS = "/api/test-coupon-applications"
LINK = "https://www.huaweicloud.com/pricing/calculator.html?shareListId=0a1b2c3d#/ecs"

postgres = pytest.mark.postgres


def solution(
    solution_id: str = "s1", certification: str = "none", version: int = 1, **more: Any
) -> PartnerSolutionChanged:
    """A solution of `sp`."""
    fields = {
        "occurred_at": NOW,
        "partner_id": "sp",
        "version": version,
        "solution_id": solution_id,
        "name": "云上财务",
        "solution_class": "cloud_software",
        "certification": certification,
    }
    return PartnerSolutionChanged(**fields | more)


async def submit(door: VoucherDoor, amount: Any, **more: Any) -> Response:
    """The partner asks."""
    body = {"solution_id": "s1", "amount": amount, "resource_list_url": LINK}
    return await door.post(APPLICATIONS, body | more)


async def decide(door: VoucherDoor, application_id: str, **more: Any) -> Response:
    """The administrator approves, unless told otherwise."""
    path = f"{APPLICATIONS}/{application_id}/decision"
    return await door.post(path, {"decision": "approve"} | more, ADMINISTRATOR)


async def approve(door: VoucherDoor, amount: str) -> Response:
    """Ask and be approved."""
    asked = await submit(door, amount)
    assert asked.status_code == 201, asked.text
    return await decide(door, asked.json()["application_id"])


@postgres
async def test_an_application_is_stated_audited_shown_and_decided(door: VoucherDoor) -> None:
    await hear(door.database, joined("sp"), solution())
    body = {"solution_id": "s1", "amount": "500", "resource_list_url": LINK, "remark": "load"}
    answer = await door.post(APPLICATIONS, body, key="k")
    assert (answer.status_code, answer.json()["status"]) == (201, "pending"), answer.text
    assert (await door.post(APPLICATIONS, body, key="k")).json() == answer.json()
    own = answer.headers["Location"]
    assert (await door.get(own)).json() == answer.json()
    decided = await decide(door, answer.json()["application_id"], amount="300.00")
    changed = {"status": "issued", "approved_amount": "300.00", "version": 2}
    changed |= {name: decided.json()[name] for name in ("decided_at", "coupon_id")}
    assert decided.json() == answer.json() | changed
    page = (await door.get(f"{APPLICATIONS}?status=issued")).json()
    assert page == {"applications": [decided.json()], "next": None}
    facts = [one for one in await outbox.bodies(door.database) if "application_id" in one]
    assert [(one["status"], one["amount"], one["coupon_id"]) for one in facts] == [
        ("pending", "500.00", None), ("issued", "500.00", changed["coupon_id"]),
    ]  # fmt: skip
    assert differences(await restated(door.database, RESTATED), facts) == {}
    assert [action for action, _ in await audit.deeds(door.database)] == [
        "application.submit", "coupon.issue_own", "application.decide",
    ]  # fmt: skip


@postgres
async def test_an_approved_application_has_a_coupon_that_the_partner_holds(
    door: VoucherDoor,
) -> None:
    """Break: issue what was asked for, or keep the status `approved`."""
    left = joined("sp", status="delisted")
    await hear(door.database, joined("sp"), solution())
    asked = (await submit(door, "500.00")).json()["application_id"]
    await hear(door.database, left.model_copy(update={"version": 2}))
    assert code_of(await decide(door, asked)) == (400, "CBC.50010085")
    await hear(door.database, joined("sp").model_copy(update={"version": 3}))
    decided = (await decide(door, asked, amount="300.00")).json()
    [held] = (await door.get(OWN)).json()["user_coupons"]
    assert (held["coupon_id"], held["status"], held["balance"], held["customer_id"]) == (
        decided["coupon_id"], 2, 300, "sp",
    )  # fmt: skip
    [fact] = await outbox.bodies(door.database, "voucher.issued")
    assert (fact["coupon_id"], fact["origin"], fact["quota_id"]) == (
        decided["coupon_id"], "test", None,
    )  # fmt: skip
    assert (await door.get(OWN, OTHER)).json()["count"] == 0
    assert await door.is_balanced()


@postgres
async def test_the_cap_is_cumulative_and_by_the_certification_at_the_decision(
    door: VoucherDoor,
) -> None:
    """20,000 before, so 80,000 of 100,000 are left; what is left is told."""
    await hear(door.database, joined("sp"), solution())
    assert (await approve(door, "20000.00")).status_code == 200
    asked = (await submit(door, "80000.01")).json()["application_id"]
    over = await decide(door, asked, amount="0.01")
    assert code_of(over) == (409, "CHB.1003")
    assert "0.00 is left" in over.text
    await hear(door.database, solution(certification="cloud_software", version=2))
    over = await decide(door, asked)
    assert code_of(over) == (409, "CHB.1003")
    assert "80000.00 is left" in over.text
    assert (await decide(door, asked, amount="80000.00")).status_code == 200
    # No certification leaves as much: that is told at once.
    assert code_of(await submit(door, "200000.01")) == (409, "CHB.1003")
    await hear(door.database, solution(certification="advanced_cloud_software", version=3))
    assert (await approve(door, "200000.00")).status_code == 200
    assert code_of(await submit(door, "0.01")) == (409, "CHB.1003")


@postgres
async def test_one_is_open_at_a_time_and_is_decided_once(door: VoucherDoor) -> None:
    """Whoever comes at the same time; withdrawn or rejected, it makes room."""
    await hear(door.database, joined("sp"), solution(), solution("s2"))
    answers = await asyncio.gather(
        *[submit(door, "1.00", solution_id=name) for name in ("s1", "s2") for _ in range(4)]
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    first = next(answer.json() for answer in answers if answer.status_code == 201)
    path = f"{APPLICATIONS}/{first['application_id']}"
    decided = await asyncio.gather(*[decide(door, first["application_id"]) for _ in range(4)])
    assert sorted(answer.status_code for answer in decided) == [200, 409, 409, 409]
    assert code_of(await door.post(f"{path}/withdrawal")) == (409, "CHB.0409")

    second = (await submit(door, "1.00")).json()["application_id"]
    withdrawn = await door.post(f"{APPLICATIONS}/{second}/withdrawal")
    assert (withdrawn.status_code, withdrawn.json()["status"]) == (200, "withdrawn")
    third = (await submit(door, "1.00")).json()["application_id"]
    rejected = await decide(door, third, decision="reject", reason="no such list")
    assert (rejected.json()["status"], rejected.json()["reason"]) == ("rejected", "no such list")
    assert (await submit(door, "1.00")).status_code == 201


@postgres
async def test_what_is_not_allowed_writes_nothing(door: VoucherDoor) -> None:
    barred = joined("barred", status="restricted")
    abroad = joined("abroad", site="international", currency="USD")
    theirs = [solution("s3", partner_id="barred"), solution("s4", partner_id="abroad")]
    await hear(door.database, joined("sp"), joined("other"), barred, abroad, solution(), *theirs)
    made = (await submit(door, "1.00")).json()["application_id"]
    path = f"{APPLICATIONS}/{made}"
    body = {"solution_id": "s1", "amount": "1.00", "resource_list_url": LINK}
    approval = {"decision": "approve"}
    before = await outbox.types(door.database)
    for answer, refusal in (
        (await door.post(APPLICATIONS, body, OTHER), (404, "CHB.0404")),
        (await door.post(APPLICATIONS, body, ADMINISTRATOR), (403, "CBC.0151")),
        (await door.post(APPLICATIONS, body, customer("c1")), (403, "CBC.0151")),
        (await door.post(APPLICATIONS, body | {"amount": 0}), (400, "CBC.0100")),
        (await door.post(APPLICATIONS, body | {"currency": "USD"}), (400, "CBC.0100")),
        (await decide(door, made, currency="USD"), (400, "CBC.0100")),
        (await door.post(APPLICATIONS, body | {"amount": "1.001"}), (400, "CBC.0100")),
        (await door.post(APPLICATIONS, body | {"resource_list_url": "x"}), (400, "CBC.0100")),
        (await door.get(path, OTHER), (404, "CHB.0404")),
        (await door.post(f"{path}/withdrawal", None, OTHER), (404, "CHB.0404")),
        (await door.post(f"{path}/decision", approval), (403, "CBC.0151")),
        (await decide(door, made, amount="1.01"), (400, "CBC.0100")),
        (await decide(door, made, decision="reject"), (400, "CBC.0100")),
        (await decide(door, made, decision="reject", reason="r", amount=1), (400, "CBC.0100")),
        (await decide(door, made, decision="maybe"), (400, "CBC.0101")),
        (await decide(door, "nothing"), (404, "CHB.0404")),
    ):
        assert code_of(answer) == refusal, answer.text
    for name, named, code in (("barred", "s3", "CBC.50010085"), ("abroad", "s4", "CHB.0409")):
        by = type(PARTNER)(id=name, kind="solution_provider", partner_id=name)
        refused = await door.post(APPLICATIONS, body | {"solution_id": named}, by)
        assert code_of(refused)[1] == code
    assert (await door.get(APPLICATIONS, OTHER)).json()["applications"] == []
    assert await outbox.types(door.database) == before
    assert await rows_of(door.database, Application) == 1


@pytest.mark.parametrize(
    "url",
    [
        LINK,
        "https://www.huaweicloud.com/pricing/calculator.html#/list?share_list_id=0a1b-2c3d",
        "https://calculator.huaweicloud.com:443/?listId=abcdef",
    ],
)
def test_a_link_of_a_shared_list_is_taken(url: str) -> None:
    check_link(url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://www.huaweicloud.com/?listId=abcdef", "https://"),
        ("javascript://www.huaweicloud.com/?listId=abcdef", "https://"),
        ("https://example.com/?listId=abcdef", "calculator"),
        ("https://www.huaweicloud.com.example.com/?listId=abcdef", "calculator"),
        ("https://www.huaweicloud.com:8443/?listId=abcdef", "calculator"),
        ("https://www.huaweicloud.com:99999/?listId=abcdef", "not a link"),
        ("https://www.huaweicloud.com/pricing/calculator.html", "no id"),
        ("https://www.huaweicloud.com/?listId=", "no id"),
        ("https://www.huaweicloud.com/?listId=%3Cscript%3E", "no id"),
        ("https://user:pass@www.huaweicloud.com/?listId=abcdef", "credentials"),
        ("https://user@www.huaweicloud.com/?listId=abcdef", "credentials"),
        ("https://www.huaweicloud.com/?listId=abcdef&token=x", "credentials"),
        ("https://www.huaweicloud.com/?listId=abcdef#/list?X-Auth-Token=x", "credentials"),
        ("https://www.huaweicloud.com/?listId=abcdef&AccessKeyId=x", "credentials"),
        ("https://www.huaweicloud.com/?listId=abcdef&Signature=x", "credentials"),
        ("https://www.huaweicloud.com\\@example.com/?listId=abcdef", "not a link"),
        ("https://www.huaweicloud.com/?listId=abc def", "not a link"),
        ("https://[::1/?listId=abcdef", "not a link"),
        ("https://www.huaweicloud.com/?listId=abcdef&" + "x" * 2048, "not a link"),
    ],
)
def test_all_else_is_refused(url: str, why: str) -> None:
    with pytest.raises(BadFieldError, match=why):
        check_link(url)
