"""What a partner owes for a month: consumption + refunds + adjustments (list_postpaid_bill_sum)."""

from decimal import Decimal

import pytest

from testkit.door import code_of
from tests.billing.builders import (
    OTHER_PARTNER,
    PARTNER,
    BillingDoor,
    as_customer,
    as_partner,
)
from tests.billing.settlement_builders import (
    MONTH,
    add_lines,
    bill_line,
    granted,
    settled,
    uses_vouchers,
)

pytestmark = pytest.mark.postgres
PATH = f"/v2/bills/partner-bills/postpaid-bill-summary?bill_cycle={MONTH}"


async def test_due_is_consumption_less_refunds_and_adjustments_before_vouchers(
    door: BillingDoor,
) -> None:
    """docs/domain/international-site.md I.9. Break: leave refunds in the consumption."""
    await uses_vouchers(door.database)
    await granted(door.database, "V1", "30.00")
    await add_lines(
        door.database,
        bill_line("140.00", line_id="l1"),
        bill_line("-30.00", line_id="l2", bill_type=4, corrects="l1"),
        bill_line("-20.00", line_id="l3", bill_type=9, corrects="l1"),
    )
    assert code_of(await door.get(PATH, as_partner())) == (404, "CHB.0404")
    await settled(door)
    path = f"/api/partner-bills/{PARTNER}/{MONTH}/lines"
    lines = (await door.get(path, as_partner())).json()["lines"]
    by_type = {one["bill_type"]: Decimal(one["settlement_amount"]) for one in lines}
    answer = await door.get(PATH, as_partner())
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found == {
        "bill_cycle": MONTH,
        "initial_amount_due": float(sum(by_type.values())),
        "consume_amount": float(by_type[1]),
        "refunds": float(by_type[4]),
        "adjustments": float(by_type[9]),
        "tax_amount": 0.0,
        "currency": "CNY",
    }
    assert by_type[9] == Decimal("-20.00")
    assert 0 > found["refunds"] > -found["consume_amount"]
    assert code_of(await door.get(PATH, as_partner(OTHER_PARTNER))) == (404, "CHB.0404")


async def test_a_bad_month_is_refused(door: BillingDoor) -> None:
    for month, code in (("2026-13", "CBC.0100"), ("2024-01", "CBC.0100")):
        answer = await door.get(PATH.replace(MONTH, month), as_partner())
        assert code_of(answer)[0] == 400, (month, code)
    assert (await door.get(PATH, as_customer())).status_code in (403, 404)
