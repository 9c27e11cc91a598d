"""The tier-1 distributor's list of its resellers (docs/domain/operations.md C)."""

from typing import Any

import pytest

from testkit.door import ADMINISTRATOR
from tests.partner.builders import PartnerDoor, as_partner

PATH = "/v2/partners/indirect-partners/query"


async def _a_distributor_with_resellers(
    door: PartnerDoor,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    above = await door.register(kind="distributor")
    resellers = [
        await door.register(
            kind="reseller",
            distributor_id=above["partner_id"],
            account_name=f"reseller-{day}",
            joined_on=f"2026-03-0{day}T00:00:00Z",
        )
        for day in (1, 2, 3)
    ]
    return above, resellers


def _ids(answer: dict[str, Any]) -> list[str]:
    return [found["indirect_partner_id"] for found in answer["indirect_partners"]]


async def test_a_distributor_lists_its_own_resellers_and_nobody_elses(door: PartnerDoor) -> None:
    """First associated first, with the fields that the SDK reads."""
    above, resellers = await _a_distributor_with_resellers(door)
    other = await door.register(kind="distributor")
    manager = {"id": "li_na", "name": "李娜"}
    foreign = await door.register(
        kind="reseller",
        distributor_id=other["partner_id"],
        mobile="13900000000",
        email="a@example.com",
        account_manager=manager,
        joined_on="2026-01-01T00:00:00Z",
    )
    answer = (await door.post(PATH, {}, by=as_partner(above))).json()
    assert answer["count"] == 3
    assert _ids(answer) == [r["partner_id"] for r in resellers]

    theirs = (await door.post(PATH, {}, by=as_partner(other))).json()
    assert theirs == {
        "count": 1,
        "indirect_partners": [
            {
                "indirect_partner_id": foreign["partner_id"],
                "mobile_phone": "13900000000",
                "email": "a@example.com",
                "account_name": foreign["account_name"],
                "name": foreign["name"],
                "associated_on": "2026-01-01T00:00:00Z",
                "account_manager_id": "li_na",
                "account_manager_name": "李娜",
            }
        ],
    }


@pytest.mark.parametrize(
    ("filters", "days"),
    [
        ({"account_name": "reseller-2"}, [2]),
        ({"account_name": "reseller"}, []),
        ({"account_name": ""}, [1, 2, 3]),
        ({"associated_on_begin": "2026-03-02T00:00:00Z"}, [2, 3]),
        ({"associated_on_end": "2026-03-02T00:00:00Z"}, [1, 2]),
        ({"associated_on_end": "2026-02-28T23:59:59Z"}, []),
        (
            {
                "associated_on_begin": "2026-03-02T00:00:00Z",
                "associated_on_end": "2026-03-02T00:00:00Z",
            },
            [2],
        ),
        ({"limit": 2}, [1, 2]),
        ({"limit": 2, "offset": 2}, [3]),
        ({"offset": 3}, []),
    ],
)
async def test_filters_and_pages_choose_among_the_resellers(
    door: PartnerDoor, filters: dict[str, Any], days: list[int]
) -> None:
    """`count` counts what the filters leave, whatever the page holds."""
    above, _ = await _a_distributor_with_resellers(door)
    answer = (await door.post(PATH, filters, by=as_partner(above))).json()
    found = [r["account_name"] for r in answer["indirect_partners"]]
    assert found == [f"reseller-{day}" for day in days]
    is_paged = "limit" in filters or "offset" in filters
    assert answer["count"] == (3 if is_paged else len(days))


async def test_one_reseller_is_found_by_its_id(door: PartnerDoor) -> None:
    """Together with the other filters."""
    above, resellers = await _a_distributor_with_resellers(door)
    wanted = resellers[1]["partner_id"]
    by = as_partner(above)
    one = (await door.post(PATH, {"indirect_partner_id": wanted}, by=by)).json()
    assert (one["count"], _ids(one)) == (1, [wanted])
    none = {"indirect_partner_id": wanted, "account_name": "reseller-1"}
    assert (await door.post(PATH, none, by=by)).json()["count"] == 0


async def test_another_distributors_reseller_is_refused_like_an_unknown_one(
    door: PartnerDoor,
) -> None:
    """CBC.99000037 in the vendor's shape (docs/domain/partners.md B.1)."""
    _, resellers = await _a_distributor_with_resellers(door)
    other = as_partner(await door.register(kind="distributor"))
    for wanted in (resellers[0]["partner_id"], "ef" * 16):
        answer = await door.post(PATH, {"indirect_partner_id": wanted}, by=other)
        assert answer.status_code == 400
        assert answer.json()["error_code"] == "CBC.99000037"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": "10"}, "limit"),
        ({"offset": -1}, "offset"),
        ({"associated_on_begin": ""}, "associated_on_begin"),
        ({"associated_on_end": "2026-03-02"}, "associated_on_end"),
        ({"account_name": "a" * 65}, "account_name"),
    ],
)
async def test_what_is_out_of_range_is_refused_with_the_fields_name(
    door: PartnerDoor, body: dict[str, Any], field: str
) -> None:
    """Never clamped (docs/domain/wire-protocol.md D.5)."""
    above = as_partner(await door.register(kind="distributor"))
    answer = await door.post(PATH, body, by=above)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "CBC.0100")
    assert field in answer.json()["error_msg"]


async def test_only_a_tier_1_distributor_has_resellers_to_list(door: PartnerDoor) -> None:
    """Everybody else is of the wrong kind."""
    above, resellers = await _a_distributor_with_resellers(door)
    provider = as_partner(await door.register())
    for caller in (ADMINISTRATOR, provider, as_partner(resellers[0])):
        answer = await door.post(PATH, {}, by=caller)
        assert (answer.status_code, answer.json()["error_code"]) == (403, "CBC.0151")
    assert (await door.post(PATH, {}, by=as_partner(above))).status_code == 200
