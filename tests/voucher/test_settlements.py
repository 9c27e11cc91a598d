"""Lines of a partner's bill and the vouchers that pay for them: rehearsed, settled, refunded."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from testkit import audit, outbox
from testkit.door import ADMINISTRATOR, code_of
from tests.voucher.builders import LATER, NOW, VoucherDoor, rows_of, wire
from tests.voucher.settlement_builders import (
    MATCHING,
    granted,
    kept,
    line,
    match,
    refund,
    settle,
    voucher_mode,
)
from voucher.ledger.prove_ledger import prove_ledger
from voucher.partner_vouchers.models import SettledLine, Settlement

pytestmark = pytest.mark.postgres

FOR_A = {"customer_ids": ["a"]}
BAD_LINES: list[tuple[dict[str, Any], str, str]] = [
    ({"amount": "1.001"}, "CBC.0100", "lines[0].amount"),
    ({"amount": 0}, "CBC.0100", "lines[0].amount"),
    ({"amount": True}, "CBC.0100", "lines[0].amount"),
    ({"amount": "--1"}, "CBC.0100", "lines[0].amount"),
    ({"trade_time": "2026-13-01T00:00:00Z"}, "CBC.0100", "lines[0].trade_time"),
    ({"charging_mode": 2}, "CBC.0101", "lines[0].charging_mode"),
    ({"refund_case": "not_effective"}, "CBC.0100", "lines[0]"),
    ({"amount": "-1.00"}, "CBC.0100", "lines[0]"),
    ({"amount": "-1.00", "refund_of": "x", "refund_case": "tired"}, "CBC.0101", "refund_case"),
    ({"currency": "USD"}, "CBC.0100", "lines[0].currency"),
    ({"colour": "red"}, "CBC.0100", "lines[0].colour"),
]


async def test_the_dry_run_and_the_settlement_say_the_same_and_one_deducts(
    door: VoucherDoor,
) -> None:
    """F.2: the restricted voucher pays first, though the other one ends earlier."""
    await voucher_mode(door)
    anybody = await granted(door, "100.00", expire_at=wire(LATER - timedelta(days=9)))
    for_a = await granted(door, "60.00", limits=FOR_A)
    lines = [line("b", "80.00", days_ago=3, customer_id="b"), line("a", "50.00")]
    dry = (await match(door, *lines)).json()
    assert await rows_of(door.database, SettledLine) == 0
    real = await settle(door, "s1", *lines)
    assert real.status_code == 200
    assert real.json() == dry | {"settlement_id": "s1"}
    assert [(one["line_id"], one["due"]) for one in dry["lines"]] == [("a", "0.00"), ("b", "0.00")]
    assert dry["due"] == "0.00"
    assert [(one["line_id"], one["voucher_id"], one["amount"]) for one in dry["allocations"]] == [
        ("a", for_a, "50.00"), ("b", anybody, "80.00"),
    ]  # fmt: skip
    assert [one["passed_over"] for one in dry["lines"]] == [
        [{"voucher_id": anybody, "reason": "line_covered"}],
        [{"voucher_id": for_a, "reason": "other_customer"}],
    ]
    assert (await kept(door, for_a)).balance == Decimal("10.00")
    assert (await kept(door, anybody)).balance == Decimal("20.00")
    used = await outbox.bodies(door.database, "voucher.partner_voucher_used")
    assert [(one["line_id"], one["amount"], one["balance"]) for one in used] == [
        ("a", "50.00", "10.00"), ("b", "80.00", "20.00"),
    ]  # fmt: skip
    assert ("settlement.carry_out", "s1") in await audit.deeds(door.database)
    proof = await door.proof()
    assert proof["balanced"], proof
    assert proof["totals"][0]["settled"] == "130.00"


@pytest.mark.parametrize("apart", [True, False])
async def test_a_voucher_comes_back_in_three_cases_alone(door: VoucherDoor, apart: bool) -> None:
    """F.3: a line of 300 paid by a voucher of 300; refunded in the same settlement or a later one.

    Two partial refunds of one line give back no more than was paid.
    """
    await voucher_mode(door)
    cases = [None, "none", "not_effective", "provisioning_failed", "renewal_not_effective"]
    for number, case in enumerate(cases):
        product = f"p{number}"
        voucher_id = await granted(door, "300.00", limits={"product_ids": [product]})
        bought = line(f"l{number}", "310.00", product_id=product)
        back = [
            refund(f"l{number}", amount, case, product_id=product, days_ago=days)
            for amount, days in (("-200.00", 4), ("-110.00", 3))
        ]
        groups = [[bought], [back[0]], [back[1]]] if apart else [[back[1], bought, back[0]]]
        dues: dict[str, Decimal] = {}
        for group, lines in enumerate(groups):
            answer = (await settle(door, f"s{number}{group}", *lines)).json()
            dues |= {one["line_id"]: Decimal(one["due"]) for one in answer["lines"]}
        voucher = await kept(door, voucher_id)
        comes_back = case not in (None, "none")
        assert voucher.status == (2 if comes_back else 3), case
        assert voucher.balance == (300 if comes_back else 0), case
        # Ten were money, and ten come back: no voucher becomes money.
        assert sum(dues.values()) == 0, (case, dues)
    restored = await outbox.bodies(door.database, "voucher.partner_voucher_restored")
    assert [one["amount"] for one in restored] == ["200.00", "100.00"] * 3
    assert await door.is_balanced(), await door.proof()


async def test_a_settlement_is_carried_out_once_per_id(door: VoucherDoor) -> None:
    """The same lines in another order get the same answer; all else is refused."""
    await voucher_mode(door)
    voucher_id = await granted(door, "100.00")
    lines = [line("l1", "10.00"), line("l2", "20.00")]
    first = await settle(door, "s1", *lines)
    again = await settle(door, "s1", *reversed(lines))
    assert (again.status_code, again.json()) == (200, first.json())
    for settlement_id, partner_id, others in (
        ("s1", "sp", [line("l1", "10.01"), line("l2", "20.00")]),
        ("s1", "sp", [line("l1", "10.00")]),
        ("s1", "other", lines),
        ("s2", "sp", [line("l2", "20.00"), line("l3", "1.00")]),
    ):
        answer = await settle(door, settlement_id, *others, partner_id=partner_id)
        assert code_of(answer) == (409, "CHB.0409"), (settlement_id, partner_id, others)
    assert code_of(await match(door, line("l1", "1.00"))) == (409, "CHB.0409")
    assert (await kept(door, voucher_id)).balance == Decimal("70.00")
    assert await rows_of(door.database, Settlement) == 1


async def test_settlements_at_once_deduct_once_and_never_too_much(door: VoucherDoor) -> None:
    """Eight of one id, and eight of other lines, for a voucher that covers three of them."""
    await voucher_mode(door)
    voucher_id = await granted(door, "25.00")
    same = [settle(door, "same", line("l0", "10.00")) for _ in range(8)]
    others = [settle(door, f"s{n}", line(f"l{n}", "10.00")) for n in range(1, 9)]
    answers = await asyncio.gather(*same, *others)
    assert {answer.status_code for answer in answers} == {200}
    bodies = [answer.json() for answer in answers]
    assert all(body == bodies[0] for body in bodies[:8])
    once = [bodies[0], *bodies[8:]]
    assert sum(Decimal(body["due"]) for body in once) == Decimal("65.00")
    voucher = await kept(door, voucher_id)
    assert voucher.balance == 0
    assert voucher.status == 3
    assert await door.is_balanced(), await door.proof()


async def test_bad_lines_are_refused_by_their_field(door: VoucherDoor) -> None:
    await voucher_mode(door)
    for fields, code, where in BAD_LINES:
        answer = await match(door, line("l1", "1.00") | fields)
        assert code_of(answer) == (400, code), (fields, answer.text)
        assert where in answer.text, (fields, answer.text)
    twice = await match(door, line("l1", "1.00"), line("l1", "2.00"))
    assert code_of(twice) == (400, "CBC.0100")
    assert "lines[1].line_id" in twice.text
    foreign = await match(
        door, line("l1", "1.00", currency="CNY"), line("l2", "1.00", currency="USD")
    )
    assert code_of(foreign) == (400, "CBC.0100")
    assert "lines[1].currency" in foreign.text
    for lines in ([], [line(f"l{n}", "1.00") for n in range(1001)]):
        answer = await door.post(MATCHING, {"partner_id": "sp", "lines": lines}, ADMINISTRATOR)
        assert code_of(answer) == (400, "CBC.0100")


async def test_the_proof_tells_what_was_planted_at_partner_vouchers(door: VoucherDoor) -> None:
    """A cent in each rule; what was planted is taken back."""
    await voucher_mode(door)
    await granted(door, "25.00")
    await settle(door, "s1", line("l1", "10.00"))
    for planted, told in (
        ("UPDATE partner_vouchers SET balance = balance + 0.01", 2),
        ("UPDATE partner_vouchers SET amount = amount + 0.01", 1),
        ("UPDATE settled_parts SET amount = amount + 0.01", 2),
        ("UPDATE settled_lines SET due = due + 0.01", 1),
        ("UPDATE postings SET amount = amount + 0.01 WHERE account_kind = 'settled'", 2),
        ("UPDATE postings SET account_id = 'lost' WHERE account_kind = 'partner_voucher'", 2),
    ):
        async with door.database.transaction() as session:
            assert (await prove_ledger(session, NOW)).balanced
            await session.execute(text(planted))
            found = (await prove_ledger(session, NOW)).differences
            assert len(found) == told, (planted, found)
            await session.rollback()


async def test_two_settlements_at_once_do_not_settle_one_line_twice(door: VoucherDoor) -> None:
    """One of them comes first, and the others are refused."""
    await voucher_mode(door)
    voucher_id = await granted(door, "25.00")
    answers = await asyncio.gather(*[settle(door, f"s{n}", line("l", "10.00")) for n in range(6)])
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
    assert (await kept(door, voucher_id)).balance == Decimal("15.00")
    assert await rows_of(door.database, Settlement) == 1
