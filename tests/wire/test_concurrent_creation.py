"""One platform account makes one customer, however many requests come at once."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from tests.flows.cast import XACCOUNT_TYPE
from tests.wire.scene import CUSTOMERS, Scene

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

AT_ONCE = 12


def test_one_xaccount_id_makes_exactly_one_account(scene: Scene) -> None:
    partner, xaccount_id = scene.ours.partner, uuid4().hex
    told = {"xaccount_id": xaccount_id, "xaccount_type": XACCOUNT_TYPE}

    def create(number: int) -> httpx.Response:
        named = {**told, "domain_name": f"twin_{xaccount_id[:12]}_{number}"}
        return partner.call("POST", CUSTOMERS, named)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(create, range(AT_ONCE)))

    made = [answer.json() for answer in answers if answer.status_code == 200]
    refused = [(a.status_code, a.json()["error_code"]) for a in answers if a.status_code != 200]
    assert refused == [(400, "CBC.99000039")] * (AT_ONCE - 1)
    (one,) = made
    found = partner.post(f"{CUSTOMERS}/query", {"account_name": f"twin_{xaccount_id[:12]}"})
    assert found["count"] == 1
    assert [c["customer_id"] for c in found["customer_infos"]] == [one["domain_id"]]
    assert found["customer_infos"][0]["xaccount_id"] == xaccount_id
