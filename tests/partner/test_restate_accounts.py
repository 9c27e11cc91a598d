"""Accounts and operators stated again equal those that were stated when they came."""

from typing import Any

from chassis.database import Database
from contracts.event import Event
from partner.restate_accounts import RESTATERS
from testkit import outbox
from tests.partner.builders import PartnerDoor, an_operator

PORTION = 2


async def _restated(database: Database, aggregate: str) -> tuple[int, list[Event]]:
    """How many there are said to be, and all of them, portion by portion."""
    [restater] = [one for one in RESTATERS if one.aggregate == aggregate]
    found: list[Event] = []
    async with database.transaction() as session:
        total = await restater.count(session)
        while True:
            portion = await restater.portion(session, found[-1].subject if found else "", PORTION)
            found += portion
            if len(portion) < PORTION:
                return total, found


def _told(events: list[dict[str, Any]], *aside: str) -> list[dict[str, Any]]:
    return [{k: v for k, v in event.items() if k not in aside} for event in events]


async def test_what_is_stated_anew_is_what_was_stated(
    door: PartnerDoor, database: Database
) -> None:
    """In portions, each once; only the moment of an account's joining takes the fact's place."""
    above = await door.register(kind="distributor")
    accounts = [above]
    for _ in range(2):
        accounts.append(await door.register(kind="reseller", distributor_id=above["partner_id"]))
    for account in accounts:
        await door.post(f"/api/partners/{account['partner_id']}/operators", an_operator())
    facts = await outbox.stated(database)
    joined = [body for kind, body in facts if kind == "partner.joined"]
    added = [body for kind, body in facts if kind == "partner.operator_added"]

    total, partners = await _restated(database, "partner")
    anew = [event.model_dump(mode="json") for event in partners]
    assert total == len(anew) == 3
    assert _told(anew, "occurred_at") == _told(joined, "occurred_at")

    total, operators = await _restated(database, "operator")
    anew = [event.model_dump(mode="json") for event in operators]
    assert total == len(anew) == 3
    assert _told(anew, "credential_ref") == _told(added, "credential_ref")
    assert {event["credential_ref"] for event in anew} == {None}
