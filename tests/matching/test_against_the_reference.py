"""The engine against the obvious slow reference, on random portfolios with ties and refunds."""

import random
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from matching import Line, Matched, Matching, Reason, RefundCase, Voucher, in_order
from tests.matching.builders import day
from tests.matching.slow_reference import Outcome, match_slowly

CENTS = st.integers(1, 400).map(lambda cents: Decimal(cents) / 100)
BOOLS = st.booleans()
DAYS = st.integers(1, 6).map(lambda number: day(10, number))


def _some_of(values: str) -> st.SearchStrategy[frozenset[str]]:
    return st.one_of(st.just(frozenset()), st.frozensets(st.sampled_from(values), max_size=2))


@st.composite
def portfolios(draw: st.DrawFn) -> tuple[list[Line], list[Voucher]]:
    """Few days, customers and products, so that lines and vouchers meet and tie."""
    vouchers = []
    for number in range(draw(st.integers(0, 6))):
        begin, length = draw(DAYS), draw(st.integers(1, 4))
        vouchers.append(
            Voucher(
                f"v{number}", draw(CENTS), begin, begin.replace(day=begin.day + length),
                customer_ids=draw(_some_of("AB")), service_type_codes=draw(_some_of("st")),
                product_ids=draw(_some_of("pq")), region_codes=draw(_some_of("nw")),
                charging_modes=draw(st.sampled_from([frozenset(), frozenset({1})])),
            )
        )  # fmt: skip
    lines: list[Line] = []
    for number in range(draw(st.integers(0, 10))):
        refunds = bool(lines) and draw(BOOLS)
        common: dict[str, Any] = {
            "line_id": f"l{draw(st.integers(0, 9))}{number}",
            "trade_time": draw(DAYS),
            "customer_id": draw(st.sampled_from("ABC")),
            "service_type_code": draw(st.sampled_from("st")),
            "product_id": draw(st.sampled_from("pq")),
            "region_code": draw(st.sampled_from("nw")),
            "charging_mode": draw(st.sampled_from([1, 3])),
        }
        amount = draw(CENTS)
        if refunds:
            common["refund_of"] = draw(st.sampled_from(lines)).line_id
            common["refund_case"] = draw(st.sampled_from([None, *RefundCase]))
            amount = -amount
        lines.append(Line(amount=amount, **common))
    return lines, vouchers


def _run(lines: list[Line], vouchers: list[Voucher]) -> tuple[list[Matched], Matching]:
    refunded = {line.refund_of for line in lines if line.refund_of}
    matching = Matching(vouchers, refunded=refunded, explain=True)
    return [matching.take(line) for line in in_order(lines)], matching


def _plain(matched: Matched) -> Outcome:
    return Outcome(
        matched.line_id,
        matched.due,
        [(one.voucher_id, one.amount) for one in matched.allocations],
        [(one.voucher_id, one.amount, one.expired) for one in matched.restored],
        matched.forfeited,
    )


@settings(max_examples=100, deadline=None)
@given(portfolios(), st.randoms(use_true_random=False))
def test_it_does_what_the_slow_reference_does(
    portfolio: tuple[list[Line], list[Voucher]], shuffling: random.Random
) -> None:
    """And the same whatever the order in which lines and vouchers are given."""
    lines, vouchers = portfolio
    found, _ = _run(lines, vouchers)
    assert [_plain(one) for one in found] == match_slowly(lines, vouchers)
    shuffling.shuffle(lines)
    shuffling.shuffle(vouchers)
    assert _run(lines, vouchers)[0] == found


@settings(max_examples=60, deadline=None)
@given(portfolios())
def test_sums_hold_and_no_voucher_is_stranded(
    portfolio: tuple[list[Line], list[Voucher]],
) -> None:
    """Nothing is made or lost; whoever may pay a line and has something left has paid it."""
    lines, vouchers = portfolio
    found, matching = _run(lines, vouchers)
    amounts = {line.line_id: line.amount for line in lines}
    restricted = {one.voucher_id for one in vouchers if one.customer_ids}
    balance = {one.voucher_id: one.remaining for one in vouchers}
    for one in found:
        paid = sum((part.amount for part in one.allocations), Decimal(0))
        restored = sum((part.amount for part in one.restored), Decimal(0))
        assert one.due == amounts[one.line_id] - paid + restored + one.forfeited
        assert 0 <= paid <= max(amounts[one.line_id], Decimal(0))
        for part in one.allocations:
            balance[part.voucher_id] -= part.amount
            assert part.amount > 0 <= balance[part.voucher_id]
        for back in one.restored:
            balance[back.voucher_id] += 0 if back.expired else back.amount
        free = {over.voucher_id for over in one.passed_over if over.reason == Reason.LINE_COVERED}
        assert not (one.due > 0 and free)
        if any(part.voucher_id not in restricted for part in one.allocations):
            assert not free & restricted
    assert balance == matching.left()
    assert all(balance[one.voucher_id] <= one.remaining for one in vouchers)
