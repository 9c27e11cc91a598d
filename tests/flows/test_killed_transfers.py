"""Billing killed right after it gave a member money, before anybody heard: it was given once.

To see it fail: leave the transfer's number out of the transaction that moves the money.
"""

from decimal import Decimal
from uuid import uuid4

import pytest
from huaweicloudsdkbss.v2 import (
    TransferEnterpriseMultiAccountReq,
    UpdateSubEnterpriseAmountRequest,
)
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException, SdkException

from tests.flows.cast import Caller, Stage, eventually
from tests.flows.deeds import a_master, make_member, transfer
from tests.flows.test_killed_payments import money

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


def give(master: Caller, member_id: str, trans_id: str) -> None:
    """By the vendor's SDK."""
    body = TransferEnterpriseMultiAccountReq(
        customer_id=member_id, amount="300.00", trans_id=trans_id
    )
    master.bss.update_sub_enterprise_amount(UpdateSubEnterpriseAmountRequest(body=body))


def test_a_transfer_whose_answer_was_lost_is_not_done_twice(stage: Stage) -> None:
    partner = stage.partner()
    master = a_master(stage, partner)
    member = make_member(stage, master, f"branch_{uuid4().hex[:12]}", in_custody=False)
    transfer(partner, master.domain_id, "500.00")
    trans_id = uuid4().hex
    stage.system.restart("billing", {"CRASH_AT": "business.committed"})
    try:
        with pytest.raises(SdkException):
            give(master, member, trans_id)
        stage.system.wait_until_ended("billing")
    finally:
        stage.system.restart("billing")
    with pytest.raises(ClientRequestException) as refused:
        give(master, member, trans_id)
    assert refused.value.error_code == "CBC.99007009"
    for owner, left in ((master.domain_id, 200), (member, 300)):
        eventually(
            lambda owner=owner: money(partner, owner),  # type: ignore[misc]
            lambda seen, left=left: seen == (Decimal(left), Decimal(0)),  # type: ignore[misc]
        )
    assert stage.admin("GET", "/api/ledger/proof")["balanced"] is True
