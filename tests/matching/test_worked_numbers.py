"""The worked numbers of docs/domain, and each rule by an example."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest

from matching import (
    Allocation,
    Line,
    Matched,
    Matching,
    OutOfOrderError,
    Paid,
    PassedOver,
    Reason,
    RefundCase,
    Restored,
    UnknownVoucherError,
    Voucher,
    in_order,
)
from tests.matching.builders import day, line, voucher

CASES = list(RefundCase)


def run(
    lines: Iterable[Line], vouchers: Iterable[Voucher], **options: Any
) -> tuple[dict[str, Matched], dict[str, Decimal]]:
    """What came out by line, and what is left of each voucher."""
    matching = Matching(vouchers, **options)
    found = {one.line_id: matching.take(one) for one in in_order(lines)}
    return found, matching.left()


def test_the_restricted_voucher_pays_first_and_none_is_stranded() -> None:
    """F.2."""
    vouchers = [
        voucher("U", "100.00", expire_at=day(11, 30)),
        voucher("R", "60.00", expire_at=day(12, 31), customer_ids=frozenset("A")),
    ]
    lines = [
        line("a", "50.00", trade_time=day(10, 3)),
        line("b", "80.00", trade_time=day(10, 5), customer_id="B"),
    ]
    found, left = run(lines, vouchers)
    assert found["a"].allocations == (Allocation("R", Decimal("50.00")),)
    assert found["b"].allocations == (Allocation("U", Decimal("80.00")),)
    assert left == {"R": Decimal("10.00"), "U": Decimal("20.00")}
    assert sum(one.due for one in found.values()) == 0


@pytest.mark.parametrize(
    ("case", "refund", "left", "forfeited"),
    [(None, "-200.00", "0.00", "200.00"), *((case, "-300.00", "300.00", "0.00") for case in CASES)],
)
def test_a_refund_gives_a_voucher_back_in_three_cases_alone(
    case: RefundCase | None, refund: str, left: str, forfeited: str
) -> None:
    """F.3; what a voucher does not get back is no money of the partner's either."""
    lines = [
        line("bought", "300.00"),
        line("back", refund, trade_time=day(10, 11), refund_of="bought", refund_case=case),
    ]
    found, is_left = run(lines, [voucher("v", "300.00")])
    assert is_left == {"v": Decimal(left)}
    assert found["back"].forfeited == Decimal(forfeited)
    assert found["back"].due == 0


def test_what_a_voucher_got_back_pays_again() -> None:
    """Also when it had been used up."""
    lines = [
        line("bought", "300.00"),
        line("back", "-300.00", trade_time=day(10, 2), refund_of="bought", refund_case=CASES[0]),
        line("next", "10.00", trade_time=day(10, 3)),
    ]
    found, left = run(lines, [voucher("v", "300.00")])
    assert found["next"].due == 0
    assert left == {"v": Decimal("290.00")}


def test_the_last_that_paid_gets_back_first_and_none_more_than_it_paid() -> None:
    """Two refunds of one line; what no voucher paid is due to the partner."""
    vouchers = [voucher("v1", "60.00", expire_at=day(11, 1)), voucher("v2", "30.00")]
    lines = [line("bought", "100.00")] + [
        line(
            f"back{number}", "-50.00", trade_time=day(10, 1 + number),
            refund_of="bought", refund_case=RefundCase.PROVISIONING_FAILED,
        )
        for number in (1, 2)
    ]  # fmt: skip
    found, left = run(lines, vouchers)
    assert found["bought"].due == Decimal("10.00")
    assert found["back1"].restored == (
        Restored("v2", Decimal("30.00"), False),
        Restored("v1", Decimal("20.00"), False),
    )
    assert found["back2"].restored == (Restored("v1", Decimal("40.00"), False),)
    assert found["back2"].due == Decimal("-10.00")
    assert left == {"v1": Decimal("60.00"), "v2": Decimal("30.00")}


def test_what_returns_to_an_expired_voucher_is_expired() -> None:
    """It is told, and pays nothing any more."""
    refund = line("back", "-40.00", trade_time=day(12, 1), refund_of="bought", refund_case=CASES[0])
    lines = [line("bought", "40.00"), refund, line("next", "5.00", trade_time=day(12, 2))]
    found, left = run(lines, [voucher("v", "40.00")])
    assert found["back"].restored == (Restored("v", Decimal("40.00"), True),)
    assert found["next"].due == Decimal("5.00")
    assert left == {"v": Decimal("0.00")}


def test_a_line_of_an_earlier_pass_is_refunded_by_what_paid_it_then() -> None:
    """The caller remembers that; the engine holds no history."""
    before = {"bought": Paid(Decimal("75.00"), (Allocation("v", Decimal("25.00")),))}
    refund = line("back", "-40.00", refund_of="bought", refund_case=CASES[2])
    found, left = run([refund], [voucher("v", "1.00")], paid_before=before)
    assert found["back"].restored == (Restored("v", Decimal("25.00"), False),)
    assert found["back"].due == Decimal("-15.00")
    assert left == {"v": Decimal("26.00")}
    with pytest.raises(UnknownVoucherError):
        run([refund], [], paid_before=before)


@pytest.mark.parametrize(
    ("case", "restored", "due", "forfeited"),
    [(None, "0.00", "-100.00", "150.00"), (CASES[1], "200.00", "-50.00", "0.00")],
)
def test_a_refund_is_money_at_most_where_the_line_was(
    case: RefundCase | None, restored: str, due: str, forfeited: str
) -> None:
    """Of 300 a voucher paid 200; 250 are refunded, and then the other 50 because of a failure."""
    lines = [
        line("bought", "300.00"),
        line("back", "-250.00", trade_time=day(10, 2), refund_of="bought", refund_case=case),
        line("rest", "-50.00", trade_time=day(10, 3), refund_of="bought", refund_case=CASES[1]),
    ]
    found, left = run(lines, [voucher("v", "200.00")])
    back, rest = found["back"], found["rest"]
    assert sum((one.amount for one in back.restored), Decimal(0)) == Decimal(restored)
    assert (back.due, back.forfeited) == (Decimal(due), Decimal(forfeited))
    assert found["bought"].due + back.due + rest.due == 0
    assert left["v"] == Decimal("50.00" if case is None else "200.00")


def test_lines_that_nobody_refunds_are_not_remembered() -> None:
    """Memory is bounded by what is named."""
    refund = line("back", "-5.00", trade_time=day(10, 2), refund_of="x", refund_case=CASES[0])
    for refunded, left in (({"x"}, "8.00"), (set(), "3.00")):
        is_left = run([line("x", "5.00"), refund], [voucher("v", "8.00")], refunded=refunded)[1]
        assert is_left == {"v": Decimal(left)}


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"customer_ids": frozenset("B")}, Reason.OTHER_CUSTOMER),
        ({"service_type_codes": frozenset({"obs"})}, Reason.OTHER_SERVICE_TYPE),
        ({"product_ids": frozenset({"p2"})}, Reason.OTHER_PRODUCT),
        ({"region_codes": frozenset({"south"})}, Reason.OTHER_REGION),
        ({"charging_modes": frozenset({3})}, Reason.OTHER_CHARGING_MODE),
        ({"effective_at": day(10, 2)}, Reason.NOT_YET_EFFECTIVE),
        ({"expire_at": day(10, 1)}, Reason.EXPIRED),
        ({"remaining": "0.00"}, Reason.USED_UP),
        ({"expire_at": day(12, 2)}, Reason.LINE_COVERED),
    ],
)
def test_a_voucher_that_was_passed_over_says_why(limits: dict[str, Any], reason: Reason) -> None:
    """It pays nothing, and the other one does."""
    amount = limits.pop("remaining", "10.00")
    vouchers = [voucher("other", amount, **limits), voucher("pays", "10.00")]
    found, _ = run([line("x", "4.00")], vouchers, explain=True)
    assert found["x"].allocations == (Allocation("pays", Decimal("4.00")),)
    assert found["x"].passed_over == (PassedOver("other", reason),)


def test_equal_vouchers_pay_by_expiry_then_beginning_then_id() -> None:
    """H.21."""
    vouchers = [
        voucher("d", "1.00", expire_at=day(12, 2)),
        voucher("c", "1.00", effective_at=day(9, 2)),
        voucher("b", "1.00"),
        voucher("a", "1.00"),
    ]
    found, _ = run([line("x", "5.00")], vouchers)
    assert [one.voucher_id for one in found["x"].allocations] == ["a", "b", "c", "d"]
    assert found["x"].due == Decimal("1.00")


def test_lines_out_of_order_are_refused() -> None:
    """The outcome would be another one; a line taken twice is out of order, too."""
    matching = Matching([])
    matching.take(line("b", "1.00"))
    for late in (line("a", "1.00"), line("b", "1.00"), line("c", "1.00", trade_time=day(9, 30))):
        with pytest.raises(OutOfOrderError):
            Matching.take(matching, late)
