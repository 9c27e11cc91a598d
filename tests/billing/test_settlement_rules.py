"""The pass over a month's lines beside a slow obvious one, and the worked examples."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.settlement.match_lines import Before, BillRow, MatchedRow, Month, MonthRules, paid_of
from billing.settlement.settlement_prices import (
    NoSettlementPriceError,
    SettlementPrices,
    _File,
    load_settlement_prices,
)
from matching import Voucher
from tests.billing.settlement_reference import PlainLine, PlainVoucher, settle
from wire.times import cycle_bounds

BEGIN, END = cycle_bounds("2026-10")
RATIO = Decimal("0.85")


def row(line_id: str, amount: str, at: datetime | None = None, **more: Any) -> BillRow:
    """A resale customer's line, paid in cash."""
    told = {
        "line_id": line_id,
        "trade_time": at or BEGIN + timedelta(days=3),
        "customer_amount": Decimal(amount),
        "customer_id": "a",
        "service_type_code": "ec2",
        "product_id": "p1",
        "region_code": "cn-north-4",
        "charging_mode": 1,
        "bill_type": 1,
        "refund_of": None,
        "refund_case": None,
        "partner_id": "partner-1",
        "distributor_id": None,
        "association_type": "2",
        "account_manager_id": None,
        "payer_id": None,
        "cash_amount": Decimal(amount),
        **more,
    }
    return BillRow(**told)


def voucher(name: str, amount: str, customers: tuple[str, ...] = (), **more: Any) -> Voucher:
    """In force for the whole month, unless told otherwise."""
    told = {"effective_at": BEGIN - timedelta(days=30), "expire_at": END, **more}
    return Voucher(name, Decimal(amount), customer_ids=frozenset(customers), **told)


def prices(**tables: Any) -> SettlementPrices:
    """A table of its own; the normal price is the customer's."""
    whole = {"type": "normal", "from": BEGIN - timedelta(days=400), "ratio": "1"}
    rows = tables.pop("price", [])
    return SettlementPrices(_File.model_validate({"price": [whole, *rows], **tables}))


def month(
    vouchers: list[Voucher],
    table: SettlementPrices | None = None,
    no_performance: frozenset[str] = frozenset(),
) -> Month:
    """A pass over October."""
    of_month = (table or prices()).of_month("partner-1", BEGIN, END)
    return Month(MonthRules(of_month, {}, no_performance), vouchers)


def take(passing: Month, *rows: BillRow, before: dict[str, Before] | None = None) -> Any:
    """What comes out, by line."""
    return {one.row.line_id: one for one in passing.take(list(rows), before or {})}


# --- random months ---------------------------------------------------------------------------


@st.composite
def months(draw: st.DrawFn) -> tuple[list[PlainLine], list[PlainVoucher]]:
    instants = st.integers(0, 9).map(lambda hours: BEGIN + timedelta(hours=hours))
    cents = st.integers(1, 9_999).map(lambda number: Decimal(number) / 100)
    customers = st.sampled_from(["a", "b", "c"])
    lines = [
        PlainLine(f"l{number:02}", draw(instants), draw(customers), draw(cents))
        for number in range(draw(st.integers(1, 12)))
    ]
    for number in range(draw(st.integers(0, 8))):
        base = draw(st.sampled_from(lines[:12]))
        if base.amount > 0:
            part = base.amount * draw(st.integers(1, 100)) / 100
            amount = -part.quantize(Decimal("0.01"))
            at = base.at + timedelta(hours=draw(st.integers(0, 5)))
            lines.append(
                PlainLine(f"r{number}", at, base.customer, amount, base.name, draw(st.booleans()))
            )
    vouchers = []
    for number in range(draw(st.integers(0, 5))):
        begins = draw(instants) - timedelta(hours=3)
        ends = begins + timedelta(hours=draw(st.integers(0, 10)))
        named = frozenset(draw(st.sets(customers, max_size=2)))
        vouchers.append(PlainVoucher(f"v{number}", draw(cents), begins, ends, named))
    return lines, vouchers


class Kept:
    """What the tables keep of the portions before, as `lines.settled_before` reads it."""

    def __init__(self) -> None:
        self.rows: list[MatchedRow] = []

    def before(self, rows: list[BillRow]) -> dict[str, Before]:
        named = {one.refund_of for one in rows if one.refund_of}
        found: dict[str, Before] = {}
        for base in self.rows:
            name = base.row.line_id
            if name not in named:
                continue
            of_it = [base, *(one for one in self.rows if one.row.refund_of == name)]
            parts = [
                part
                for one in of_it
                for part in [
                    *((p.voucher_id, p.amount) for p in one.matched.allocations),
                    *((p.voucher_id, -p.amount) for p in one.matched.restored),
                ]
            ]
            money = sum((one.matched.due for one in of_it), Decimal("0.00"))
            found[name] = Before(base.price, paid_of(money, parts))
        return found


@settings(max_examples=150, deadline=None)
@given(months(), st.integers(1, 7), st.sets(st.integers(0, 20), max_size=4))
def test_a_month_in_portions_with_new_processes_is_the_slow_obvious_settlement(
    drawn: tuple[list[PlainLine], list[PlainVoucher]], portion: int, killed_after: set[int]
) -> None:
    """Break: let `paid_of` count what refunds gave back once too little or too often."""
    lines, vouchers = drawn
    engine = {
        one.name: Voucher(one.name, one.left, one.begins, one.ends, customer_ids=one.customers)
        for one in vouchers
    }
    rows = [
        row(
            one.name, str(one.amount), one.at, customer_id=one.customer, refund_of=one.of,
            refund_case="not_effective" if one.restores else None,
        )
        for one in sorted(lines, key=lambda one: (one.at, one.amount < 0, one.name))
    ]  # fmt: skip
    at_85 = SettlementPrices(
        _File.model_validate(
            {"price": [{"type": "normal", "from": BEGIN - timedelta(days=9), "ratio": "0.85"}]}
        )
    )
    kept, left = Kept(), {name: one.remaining for name, one in engine.items()}
    passing = month(list(engine.values()), at_85)
    stream, number = iter(rows), 0
    while some := list(islice(stream, portion)):
        if number in killed_after:
            ongoing = [
                Voucher(n, left[n], v.effective_at, v.expire_at, customer_ids=v.customer_ids)
                for n, v in engine.items()
            ]
            passing = month(ongoing, at_85)
        for one in passing.take(some, kept.before(some)):
            kept.rows.append(one)
            for part in one.matched.allocations:
                left[part.voucher_id] -= part.amount
            for back in one.matched.restored:
                left[back.voucher_id] += Decimal(0) if back.expired else back.amount
        number += 1
    expected = settle(lines, vouchers, RATIO)
    for one in kept.rows:
        slow = expected[one.row.line_id]
        parts = [(p.voucher_id, p.amount) for p in one.matched.allocations]
        parts += [(p.voucher_id, -p.amount) for p in one.matched.restored]
        assert (one.settlement_amount, one.matched.due, one.matched.forfeited, parts) == (
            slow.amount, slow.due, slow.forfeited, slow.parts,
        ), one.row.line_id  # fmt: skip
    assert left == {one.name: one.left for one in vouchers}


# --- worked examples -------------------------------------------------------------------------


def test_f1_a_settlement_amount_is_cut_and_never_rounded() -> None:
    """85.00 at 0.8339 is 70.8815: 70.88; a refund is cut toward zero. Break: round half up."""
    normal = {"type": "normal", "from": BEGIN - timedelta(days=9), "ratio": "0.8339"}
    out = take(
        month([], prices(price=[normal])), row("l", "85.00"), row("r", "-85.00", bill_type=4)
    )
    assert [out[name].settlement_amount for name in "lr"] == [Decimal("70.88"), Decimal("-70.88")]


def test_f2_a_restricted_voucher_pays_first_though_it_ends_later() -> None:
    """Break: rank the vouchers by their end alone."""
    vouchers = [
        voucher("U", "100.00", expire_at=END - timedelta(days=5)),
        voucher("R", "60.00", ("a",)),
    ]
    passing = month(vouchers)
    out = take(
        passing,
        row("A", "50.00", BEGIN + timedelta(days=2)),
        row("B", "80.00", BEGIN + timedelta(days=4), customer_id="b"),
    )
    assert [out[name].matched.due for name in "AB"] == [Decimal("0.00")] * 2
    assert out["A"].matched.allocations[0].voucher_id == "R"
    assert out["B"].matched.allocations[0] == ("U", Decimal("80.00"))


@pytest.mark.parametrize(
    ("case", "restored"),
    [
        (None, "0.00"),  # an unsubscription after ten days, a downgrade
        ("renewal_not_effective", "300.00"),
        ("provisioning_failed", "300.00"),
        ("not_effective", "300.00"),
    ],
)
def test_f3_vouchers_come_back_in_three_cases_alone(case: str | None, restored: str) -> None:
    """Break: name a case for every refund."""
    passing = month([voucher("V", "300.00")])
    later = BEGIN + timedelta(days=13)
    out = take(
        passing,
        row("l", "300.00"),
        row("r", "-300.00", later, refund_of="l", refund_case=case, bill_type=4),
    )
    assert -out["r"].voucher_amount == Decimal(restored)
    assert out["r"].matched.forfeited == Decimal("300.00") - Decimal(restored)
    assert out["r"].matched.due == 0


def test_f4_a_custody_member_has_its_details_up_to_the_second_it_left_in() -> None:
    """At 15:25:30.9 the member's, at 15:25:31 its master's. Break: compare whole instants."""
    left = datetime(2024, 3, 14, 7, 25, 30, 200_000, tzinfo=UTC)
    begin, end = cycle_bounds("2024-03")
    rules = MonthRules(load_settlement_prices().of_month("partner-1", begin, end), {"member": left})
    more = {"customer_id": "member", "payer_id": "master", "association_type": "1"}
    out = take(
        Month(rules, []),
        row("before", "1.00", left.replace(microsecond=900_000), **more),
        row("after", "1.00", datetime(2024, 3, 14, 7, 25, 31, tzinfo=UTC), **more),
        row("last", "1.00", end - timedelta(microseconds=1), **more),
    )
    accounts = {name: one.account_id for name, one in out.items()}
    assert accounts == {"before": "member", "after": "master", "last": "master"}
    assert {one.row.customer_id for one in out.values()} == {"member"}


def test_f10_what_a_customer_pays_by_coupon_is_no_performance() -> None:
    """Payable 85 = coupon 20 + cash 50 + credit 10 + arrears 5; the arrears are paid later."""
    out = take(month([]), row("l", "85.00", cash_amount=Decimal("55.00")))
    assert (out["l"].settlement_amount, out["l"].performance_amount) == (
        Decimal("85.00"), Decimal("55.00"),
    )  # fmt: skip


def test_f12_a_voucher_never_pays_more_than_it_has_or_the_line_is() -> None:
    """The two limits of a payment: what there is, and what may be used of it."""
    out = take(month([voucher("A", "300.00", ("a",)), voucher("U", "500.00")]), row("l", "400.00"))
    assert out["l"].matched.allocations == (("A", Decimal("300.00")), ("U", Decimal("100.00")))


# --- prices ----------------------------------------------------------------------------------


def test_what_a_product_is_sold_as_decides_its_price_and_that_by_its_date() -> None:
    """Break: look at the month's first instant alone."""
    half = BEGIN + timedelta(days=15)
    table = prices(
        price=[
            {"type": "promotion", "from": BEGIN, "ratio": "0.95"},
            {"type": "no_discount", "from": BEGIN, "ratio": "1"},
            {"type": "special", "from": half, "partner_id": "partner-1", "customer_id": "b",
             "ratio": "0.7"},
            {"type": "special", "from": BEGIN, "partner_id": "another", "ratio": "0.1"},
        ],
        product=[{"product_id": "p2", "type": "promotion", "from": BEGIN, "until": half}],
    )  # fmt: skip
    of_month = table.of_month("partner-1", BEGIN, END)
    found = {
        (product, customer, late): of_month.find(
            "ec2", product, customer, half if late else half - timedelta(microseconds=1)
        )
        for product in ("p1", "p2")
        for customer in ("a", "b")
        for late in (False, True)
    }
    told = {key: (price.settlement_type, str(price.ratio)) for key, price in found.items()}
    assert told == {
        ("p1", "a", False): ("normal", "1"),
        ("p1", "a", True): ("normal", "1"),
        ("p1", "b", False): ("normal", "1"),
        ("p1", "b", True): ("special", "0.7"),
        ("p2", "a", False): ("promotion", "0.95"),
        ("p2", "a", True): ("normal", "1"),
        ("p2", "b", False): ("promotion", "0.95"),
        ("p2", "b", True): ("special", "0.7"),
    }


def test_a_refund_gives_back_at_the_price_that_was_paid() -> None:
    """Break: look the refund's own price up."""
    half = BEGIN + timedelta(days=15)
    cheaper = {"type": "normal", "from": half, "ratio": "0.5"}
    passing = month([], prices(price=[cheaper]))
    out = take(
        passing, row("l", "10.00"), row("r", "-10.00", half, refund_of="l"), row("n", "1.00", END)
    )
    assert [out[name].settlement_amount for name in "lrn"] == [
        Decimal("10.00"), Decimal("-10.00"), Decimal("0.50"),
    ]  # fmt: skip
    assert sum(one.matched.due for one in out.values()) == Decimal("0.50")


def test_what_a_partner_does_not_owe_and_what_is_no_performance() -> None:
    """Referral customers pay themselves; adjustments stand apart; a policy may count nothing."""
    out = take(
        month([voucher("V", "50.00")], no_performance=frozenset({"mkt"})),
        row("adjusted", "-5.00", bill_type=9),
        row("market", "3.00", service_type_code="mkt"),
        row("referred", "7.00", association_type="1"),
    )
    told = {
        name: (one.price.settlement_type, one.settlement_amount, one.performance_amount)
        for name, one in out.items()
    }
    assert told == {
        "adjusted": ("adjustment", Decimal("-5.00"), 0),
        "market": ("normal", Decimal("3.00"), 0),
        "referred": ("referral", Decimal("0.00"), Decimal("7.00")),
    }
    assert out["adjusted"].voucher_amount == out["referred"].voucher_amount == 0


def test_a_price_that_is_not_there_stops_the_pass() -> None:
    """Break: fall back to the whole amount."""
    late = {"type": "normal", "from": END, "ratio": "1"}
    table = SettlementPrices(_File.model_validate({"price": [late]}))
    with pytest.raises(NoSettlementPriceError):
        take(month([], table), row("l", "1.00"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": []},
        {"price": [{"type": "normal", "from": BEGIN, "ratio": "1.1"}]},
        {"price": [{"type": "normal", "from": BEGIN, "ratio": "0.12345"}]},
        {"price": [{"type": "cheap", "from": BEGIN, "ratio": "1"}]},
    ],
)
def test_a_wrong_table_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="validation error"):
        _File.model_validate(wrong)
