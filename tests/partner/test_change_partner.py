"""The administrator changes what a partner account is."""

from typing import Any

import pytest

from contracts.partner import PartnerUpdated
from testkit import audit, outbox
from testkit.door import code_of
from tests.partner.builders import PartnerDoor, as_partner, written

pytestmark = pytest.mark.postgres


def path(account: dict[str, Any]) -> str:
    return f"/api/partners/{account['partner_id']}"


async def test_a_change_is_shown_stated_and_audited_once(door: PartnerDoor) -> None:
    account = await door.register()
    change = {"status": "restricted", "coupon_mode": "use_vouchers"}
    answer = await door.patch(path(account), change, headers={"If-Match": '"1"'})
    assert answer.status_code == 200
    assert answer.json() == account | change | {"version": 2}
    assert answer.headers["ETag"] == '"2"'
    again = await door.patch(path(account), {"status": "restricted"})
    assert again.json() == answer.json()
    (body,) = await outbox.bodies(door.database, "partner.updated")
    fact = PartnerUpdated.model_validate(body)
    assert (fact.partner_id, fact.version, fact.status, fact.coupon_mode) == (
        account["partner_id"], 2, "restricted", "use_vouchers",
    )  # fmt: skip
    deeds = [deed for deed in await audit.deeds(door.database) if deed[0] == "partner.change"]
    assert deeds == [("partner.change", account["partner_id"])]
    assert (await door.get(path(account))).json() == answer.json()


async def test_a_bad_change_is_refused_and_writes_nothing(door: PartnerDoor) -> None:
    account = await door.register()
    before = await written(door.database)
    for body, headers, refusal in (
        ({"status": "retired"}, {}, (400, "CBC.0101")),
        ({"coupon_mode": True}, {}, (400, "CBC.0100")),
        ({"name": "another"}, {}, (400, "CBC.0100")),
        ({"status": "delisted"}, {"If-Match": '"2"'}, (412, "CHB.0412")),
        ({"status": "delisted"}, {"If-Match": "2x"}, (400, "CBC.0100")),
    ):
        answer = await door.patch(path(account), body, headers=headers)
        assert code_of(answer) == refusal, body
    nobody = {"partner_id": "0" * 32}
    assert code_of(await door.patch(path(nobody), {"status": "active"})) == (404, "CHB.0404")
    own = await door.patch(path(account), {"status": "delisted"}, as_partner(account))
    assert code_of(own) == (403, "CBC.0151")
    assert await written(door.database) == before
