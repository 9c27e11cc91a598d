"""Partner vouchers matched by DuckDB, line by line: `make bench-matching ARGS=--duckdb`.

DuckDB is no dependency of ours: `uv pip install duckdb==2.0.1` into `.venv` before. Which voucher
pays depends on every line before, so a line is a statement here, too: one scan of all vouchers,
columns at once, with what stands before each in the order of paying as a running sum; and an update
of those that pay. An index is of no use to it: it would be kept for each update.
"""

import time
from decimal import Decimal
from importlib import import_module
from typing import Any

from matching import Line, Matched, Voucher

_SCHEMA = """
    CREATE TABLE vouchers (
        place INTEGER, id VARCHAR, cents BIGINT, begins TIMESTAMPTZ, ends TIMESTAMPTZ,
        customers VARCHAR[], services VARCHAR[], products VARCHAR[], regions VARCHAR[],
        modes INTEGER[]
    );
    CREATE TABLE paid (line VARCHAR, place INTEGER, cents BIGINT)
"""
_TAKE = """
    SELECT place, id, least(cents, $due - before) AS part FROM (
        SELECT place, id, cents, sum(cents) OVER (ORDER BY place) - cents AS before
        FROM vouchers
        WHERE cents > 0 AND begins <= $at AND $at < ends
          AND (len(customers) = 0 OR list_contains(customers, $customer))
          AND (len(services) = 0 OR list_contains(services, $service))
          AND (len(products) = 0 OR list_contains(products, $product))
          AND (len(regions) = 0 OR list_contains(regions, $region))
          AND (len(modes) = 0 OR list_contains(modes, $mode))
    ) WHERE before < $due ORDER BY place
"""


class DuckSql:
    """Amounts in cents; restricted vouchers have the smaller places."""

    def __init__(self, vouchers: list[Voucher]):
        duckdb: Any = import_module("duckdb")
        self._base = duckdb.connect(":memory:", config={"threads": 1})
        self._base.execute(_SCHEMA)
        rows = [
            (place, one.voucher_id, int(one.remaining * 100), one.effective_at, one.expire_at,
             sorted(one.customer_ids), sorted(one.service_type_codes), sorted(one.product_ids),
             sorted(one.region_codes), sorted(one.charging_modes))
            for place, one in enumerate(sorted(vouchers, key=lambda one: one.rank))
        ]  # fmt: skip
        self._base.executemany("INSERT INTO vouchers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self._base.execute("BEGIN")

    def take(self, line: Line) -> tuple[str, Decimal, list[tuple[str, Decimal]]]:
        """One line; id, due and allocations."""
        if line.amount < 0:
            return line.line_id, Decimal(self._refund(line)) / 100, []
        due = int(line.amount * 100)
        values = {
            "due": due, "at": line.trade_time, "customer": line.customer_id,
            "service": line.service_type_code, "product": line.product_id,
            "region": line.region_code, "mode": line.charging_mode,
        }  # fmt: skip
        found = self._base.execute(_TAKE, values).fetchall()
        for place, _, part in found:
            self._move(place, -int(part))
            self._base.execute("INSERT INTO paid VALUES (?, ?, ?)", (line.line_id, place, part))
        left = due - sum(int(part) for _, _, part in found)
        paid = [(voucher_id, Decimal(int(part)) / 100) for _, voucher_id, part in found]
        return line.line_id, Decimal(left) / 100, paid

    def _move(self, place: int, cents: int) -> None:
        self._base.execute("UPDATE vouchers SET cents = cents + ? WHERE place = ?", (cents, place))

    def _refund(self, line: Line) -> int:
        """Each line is refunded once and wholly here."""
        paid = self._base.execute(
            "SELECT p.place, p.cents, v.ends FROM paid p JOIN vouchers v USING (place)"
            " WHERE p.line = ?", (line.refund_of,)
        ).fetchall()  # fmt: skip
        for place, part, ends in paid:
            if line.refund_case is not None and line.trade_time < ends:
                self._move(place, part)
        return int(line.amount * 100) + sum(int(part) for _, part, _ in paid)


def by_duckdb(lines: list[Line], vouchers: list[Voucher], found: list[Matched]) -> float:
    """Lines per second; the allocations are checked against ours."""
    sql = DuckSql(vouchers)
    started = time.process_time()
    theirs = [sql.take(line) for line in lines]
    took = time.process_time() - started
    for ours, other in zip(found, theirs, strict=True):
        assert (ours.line_id, ours.due, list(ours.allocations)) == other, (ours, other)
    return len(lines) / took
