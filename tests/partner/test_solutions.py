"""Solutions: a partner says what it has, and the administrator certifies it."""

import pytest

from contracts.partner import PartnerSolutionChanged
from partner.solutions.restate_solutions import SOLUTIONS
from testkit import audit, outbox
from testkit.door import code_of
from tests.partner.builders import PartnerDoor, as_partner, written
from tests.restating import differences, restated

pytestmark = pytest.mark.postgres

NEW = {"name": "云上财务", "solution_class": "cloud_software"}


async def test_a_solution_is_added_certified_stated_and_restated(door: PartnerDoor) -> None:
    account = await door.register()
    partner = as_partner(account)
    path = f"/api/partners/{account['partner_id']}/solutions"
    answer = await door.post(path, NEW, partner, key="k")
    assert answer.status_code == 201, answer.text
    assert (await door.post(path, NEW, partner, key="k")).json() == answer.json()
    solution = answer.json()
    assert solution | NEW | {"certification": "none", "version": 1} == solution
    own = answer.headers["Location"]
    assert (await door.get(own, partner)).json() == solution

    advanced = {"certification": "advanced_cloud_software"}
    certified = await door.patch(own, advanced)
    assert certified.json() == solution | advanced | {"version": 2}
    assert (await door.patch(own, advanced)).json() == certified.json()
    page = (await door.get(path, partner)).json()
    assert page == {"solutions": [certified.json()], "next": None}

    facts = await outbox.bodies(door.database, "partner.solution_changed")
    told = [PartnerSolutionChanged.model_validate(body) for body in facts]
    assert [(one.version, one.certification) for one in told] == [
        (1, "none"), (2, "advanced_cloud_software"),
    ]  # fmt: skip
    anew = await restated(door.database, SOLUTIONS)
    assert differences(anew, facts) == {}
    assert len(anew) == 1
    deeds = [deed for deed in await audit.deeds(door.database) if deed[0][:8] == "solution"]
    assert deeds == [
        ("solution.add", solution["solution_id"]), ("solution.certify", solution["solution_id"]),
    ]  # fmt: skip


async def test_what_is_not_allowed_writes_nothing(door: PartnerDoor) -> None:
    account, other = await door.register(), await door.register()
    gone = await door.register(status="delisted")
    path = f"/api/partners/{account['partner_id']}/solutions"
    made = (await door.post(path, NEW, as_partner(account))).json()
    own = f"/api/solutions/{made['solution_id']}"
    before = await written(door.database)

    foreign, partner = as_partner(other), as_partner(account)
    refused = [
        (await door.post(path, NEW, foreign), 404, "CHB.0404"),
        (await door.get(path, foreign), 404, "CHB.0404"),
        (await door.get(own, foreign), 404, "CHB.0404"),
        (await door.patch(own, {"certification": "none"}, partner), 403, "CBC.0151"),
        (await door.patch(own, {"certification": "gold"}), 400, "CBC.0101"),
        (await door.patch(own, {}), 400, "CBC.0100"),
        (await door.patch("/api/solutions/x", {"certification": "none"}), 404, "CHB.0404"),
        (await door.post(path, NEW | {"solution_class": "hardware"}, partner), 400, "CBC.0101"),
        (await door.post(path, NEW | {"name": ""}, partner), 400, "CBC.0100"),
        (await door.post(path, NEW | {"certification": "none"}, partner), 400, "CBC.0100"),
    ]
    for answer, status, code in refused:
        assert code_of(answer) == (status, code), answer.text
    left = f"/api/partners/{gone['partner_id']}/solutions"
    assert code_of(await door.post(left, NEW, as_partner(gone)))[1] == "CBC.50010085"
    assert await written(door.database) == before
