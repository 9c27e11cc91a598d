"""Partner vouchers against the lines of a bill, on one core: `make bench-matching`.

A million lines of a month and ten thousand vouchers, two of five of them restricted to customers,
most with other limits; a line in a hundred refunds another one. Lines are made in portions while
they are taken, and making them is not counted. Beside it, on the first lines of the same month and
with the same outcome, checked:

- the slow reference of the tests, which looks at each voucher for each line;
- plain SQL (SQLite, in memory): the candidates of a line by an index in the order in which they
  pay, and an update for each that does. Which voucher pays depends on every line before, so there
  is no statement over all lines but a recursive one with a step for each;
- with `--duckdb`, the same by DuckDB (`matching_duckdb.py`).
"""

import argparse
import json
import random
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain, islice

from tests.matching.slow_reference import match_slowly

from benchmarks.matching_duckdb import by_duckdb
from matching import Line, Matched, Matching, RefundCase, Voucher

BAR_LINES_PER_SECOND = 300_000
BAR_AT_MORE_LINES = 0.9
BAR_MEMORY = 1.2
MORE = 4  # times as many lines
PORTION = 20_000
OF_SQL, OF_DUCKDB, OF_REFERENCE = 20_000, 2_000, 500  # lines; all would take hours
BEGIN = datetime(2026, 9, 30, 16, tzinfo=UTC)  # October in Beijing
MONTH_SECONDS = 31 * 24 * 3600
CUSTOMERS, PRODUCTS, SERVICES, REGIONS = 2000, 300, 30, 10
MODES = (1, 3, 10, 11)
REFUND_EACH, REFUND_BACK = 100, 50  # each hundredth line refunds the one fifty before


def vouchers_of(count: int, lines: int) -> list[Voucher]:
    """Worth about half of the lines."""
    chance = random.Random(1)
    each_cents = lines * 5000 // 2 // count
    return [_voucher(number, each_cents, chance) for number in range(count)]


def _voucher(number: int, each_cents: int, chance: random.Random) -> Voucher:
    begin = BEGIN + timedelta(days=chance.randint(-60, 25))
    customers = chance.sample(range(CUSTOMERS), chance.randint(1, 3))
    services = chance.sample(range(SERVICES), 5)
    products = chance.sample(range(PRODUCTS), 40)
    regions = chance.sample(range(REGIONS), 3)
    return Voucher(
        f"PV{number:06}",
        Decimal(chance.randint(1, 2 * each_cents)) / 100,
        begin,
        begin + timedelta(days=chance.randint(10, 90)),
        frozenset(f"c{one}" for one in customers) if chance.random() < 0.4 else frozenset(),
        frozenset(f"s{one}" for one in services) if chance.random() < 0.4 else frozenset(),
        frozenset(f"p{one}" for one in products) if chance.random() < 0.3 else frozenset(),
        frozenset(f"r{one}" for one in regions) if chance.random() < 0.3 else frozenset(),
        frozenset(chance.sample(MODES, 2)) if chance.random() < 0.3 else frozenset(),
    )


def lines_of(count: int) -> Iterator[list[Line]]:
    """The month in portions, by trade time."""
    chance = random.Random(2)
    for start in range(0, count, PORTION):
        portion: list[Line] = []
        for number in range(start, min(start + PORTION, count)):
            refunded = number % REFUND_EACH == REFUND_EACH - 1
            portion.append(
                _refund(portion[-REFUND_BACK], number, count, chance)
                if refunded
                else _line(number, count, chance)
            )
        yield portion


def _at(number: int, count: int) -> datetime:
    return BEGIN + timedelta(seconds=number * MONTH_SECONDS / count)


def _line(number: int, count: int, chance: random.Random) -> Line:
    product = int(chance.random() * PRODUCTS)
    return Line(
        f"l{number:09}",
        _at(number, count),
        f"c{int(chance.random() * CUSTOMERS)}",
        Decimal(1 + int(chance.random() * 10_000)) / 100,
        f"s{product % SERVICES}",
        f"p{product}",
        f"r{int(chance.random() * REGIONS)}",
        MODES[int(chance.random() * len(MODES))],
    )


def _refund(of: Line, number: int, count: int, chance: random.Random) -> Line:
    case = RefundCase.NOT_EFFECTIVE if chance.random() < 0.5 else None
    return of._replace(
        line_id=f"l{number:09}",
        trade_time=_at(number, count),
        amount=-of.amount,
        refund_of=of.line_id,
        refund_case=case,
    )


def refunded_of(count: int) -> set[str]:
    """The lines that another one refunds."""
    refunds = range(REFUND_EACH - 1, count, REFUND_EACH)
    return {f"l{number - REFUND_BACK:09}" for number in refunds}


def run(lines: int, vouchers: int) -> dict[str, float]:
    """One pass: lines per second of the core, the peak of memory, and what is due, as a proof."""
    matching = Matching(vouchers_of(vouchers, lines), refunded=refunded_of(lines))
    took, due, parts = 0.0, Decimal(0), 0
    for portion in lines_of(lines):
        started = time.process_time()
        for line in portion:
            matched = matching.take(line)
            due += matched.due
            parts += len(matched.allocations)
        took += time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rate": lines / took, "peak_mb": peak, "due": float(due), "parts": parts}


def in_a_process(lines: int, vouchers: int) -> dict[str, float]:
    """One pass with a memory of its own."""
    command = [sys.executable, "-m", "benchmarks.matching", "--one", str(lines)]
    command += ["--vouchers", str(vouchers)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said: dict[str, float] = json.loads(done.stdout)
    return said


def _first(lines: int, of: int) -> list[Line]:
    return list(islice(chain.from_iterable(lines_of(of)), lines))


def by_reference(lines: list[Line], vouchers: list[Voucher], found: list[Matched]) -> float:
    """Lines per second of the slow reference."""
    started = time.process_time()
    slow = match_slowly(lines, vouchers)
    took = time.process_time() - started
    for ours, theirs in zip(found, slow, strict=True):
        assert (ours.line_id, ours.due, list(ours.allocations)) == theirs[:3], ours
    return len(lines) / took


class PlainSql:
    """The same by SQL: amounts in cents, one row for each customer that a voucher names."""

    SCHEMA = """
        CREATE TABLE vouchers (
            place INTEGER PRIMARY KEY, id TEXT, cents INTEGER, begins TEXT, ends TEXT,
            services TEXT, products TEXT, regions TEXT, modes TEXT
        );
        CREATE TABLE may (customer TEXT, place INTEGER, PRIMARY KEY (customer, place))
            WITHOUT ROWID;
        CREATE TABLE paid (line TEXT, step INTEGER, place INTEGER, cents INTEGER,
            PRIMARY KEY (line, step)) WITHOUT ROWID;
    """
    # Restricted vouchers have the smaller places, so both halves come in the order of paying.
    CANDIDATES = """
        SELECT v.place, v.id, v.cents FROM may m CROSS JOIN vouchers v ON v.place = m.place
        WHERE m.customer = :customer AND v.begins <= :at AND :at < v.ends
          AND (v.services = '' OR instr(v.services, :service))
          AND (v.products = '' OR instr(v.products, :product))
          AND (v.regions = '' OR instr(v.regions, :region))
          AND (v.modes = '' OR instr(v.modes, :mode))
        ORDER BY m.place
    """

    def __init__(self, vouchers: list[Voucher]):
        self._base = sqlite3.connect(":memory:", isolation_level=None)
        self._base.executescript(self.SCHEMA)
        self._base.execute("BEGIN")
        self._customers: dict[int, list[str]] = {}
        for place, one in enumerate(sorted(vouchers, key=lambda one: one.rank)):
            limits = (one.service_type_codes, one.product_ids, one.region_codes)
            texts = [_list(sorted(limit)) for limit in limits]
            texts.append(_list(str(mode) for mode in one.charging_modes))
            row = (place, one.voucher_id, int(one.remaining * 100), one.effective_at.isoformat())
            self._base.execute(
                "INSERT INTO vouchers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, one.expire_at.isoformat(), *texts),
            )
            self._customers[place] = sorted(one.customer_ids) or [""]
            self._open(place)

    def take(self, line: Line) -> tuple[str, Decimal, list[tuple[str, Decimal]]]:
        """One line; id, due and allocations."""
        if line.amount < 0:
            return line.line_id, Decimal(self._refund(line)) / 100, []
        due = int(line.amount * 100)
        paid: list[tuple[str, Decimal]] = []
        for customer in (line.customer_id, ""):
            if due:
                due = self._pay(line, customer, due, paid)
        return line.line_id, Decimal(due) / 100, paid

    def _pay(self, line: Line, customer: str, due: int, paid: list[tuple[str, Decimal]]) -> int:
        values = {
            "customer": customer, "at": line.trade_time.isoformat(),
            "service": f",{line.service_type_code},", "product": f",{line.product_id},",
            "region": f",{line.region_code},", "mode": f",{line.charging_mode},",
        }  # fmt: skip
        found: list[tuple[int, str, int]] = []
        for place, voucher_id, left in self._base.execute(self.CANDIDATES, values):
            found.append((place, voucher_id, min(left, due)))
            due -= min(left, due)
            if not due:
                break
        for place, voucher_id, part in found:
            self._base.execute(
                "UPDATE vouchers SET cents = cents - ? WHERE place = ?", (part, place)
            )
            self._base.execute(
                "DELETE FROM may WHERE place = ?1 AND customer IN (SELECT value FROM json_each(?2))"
                " AND 0 = (SELECT cents FROM vouchers WHERE place = ?1)",
                (place, json.dumps(self._customers[place])),
            )
            self._base.execute(
                "INSERT INTO paid VALUES (?, ?, ?, ?)", (line.line_id, len(paid), place, part)
            )
            paid.append((voucher_id, Decimal(part) / 100))
        return due

    def _refund(self, line: Line) -> int:
        """Each line is refunded once and wholly here."""
        paid = self._base.execute(
            "SELECT p.place, p.cents, v.ends FROM paid p JOIN vouchers v ON v.place = p.place"
            " WHERE p.line = ?", (line.refund_of,)
        ).fetchall()  # fmt: skip
        for place, part, ends in paid:
            if line.refund_case is not None and line.trade_time.isoformat() < ends:
                self._base.execute(
                    "UPDATE vouchers SET cents = cents + ? WHERE place = ?", (part, place)
                )
                self._open(place)
        return int(line.amount * 100) + sum(int(part) for _, part, _ in paid)

    def _open(self, place: int) -> None:
        self._base.executemany(
            "INSERT OR IGNORE INTO may VALUES (?, ?)",
            [(customer, place) for customer in self._customers[place]],
        )


def _list(values: object) -> str:
    text = ",".join(values)  # type: ignore[arg-type]
    return f",{text}," if text else ""


def by_sql(lines: list[Line], vouchers: list[Voucher], found: list[Matched]) -> float:
    """Lines per second of plain SQL."""
    sql = PlainSql(vouchers)
    started = time.process_time()
    theirs = [sql.take(line) for line in lines]
    took = time.process_time() - started
    for ours, other in zip(found, theirs, strict=True):
        assert (ours.line_id, ours.due, list(ours.allocations)) == other, (ours, other)
    return len(lines) / took


def _say(figure: str, value: str, bar: str, met: bool) -> bool:
    print(f"  {figure:<44} {value:>14}   bar {bar}: {'met' if met else 'MISSED'}", flush=True)
    return met


def compare(lines: int, vouchers: int, *, duckdb: bool) -> bool:
    """All figures beside each other; True when every bar is met."""
    print(f"{lines:,} lines, {vouchers:,} vouchers, one core", flush=True)
    ours, more = in_a_process(lines, vouchers), in_a_process(lines * MORE, vouchers)
    rate = ours["rate"]
    bar = BAR_LINES_PER_SECOND
    met = [_say("lines/s", f"{rate:,.0f}", f"{bar:,}", rate >= bar)]
    ratio, memory = more["rate"] / rate, more["peak_mb"] / ours["peak_mb"]
    what = f"lines/s at {lines * MORE:,} lines, of that"
    met.append(_say(what, f"{ratio:.2f}", f"{BAR_AT_MORE_LINES:g}", ratio >= BAR_AT_MORE_LINES))
    what = f"memory then, of {ours['peak_mb']:.0f} MB"
    met.append(_say(what, f"{memory:.2f}", f"{BAR_MEMORY:g}", memory <= BAR_MEMORY))

    some, given = _first(OF_SQL, lines), vouchers_of(vouchers, lines)
    matching = Matching(given)
    found = [matching.take(line) for line in some]
    sql = by_sql(some, given, found)
    met.append(_say("of plain SQL, times", f"{rate / sql:.0f}", "1", rate > sql))
    if duckdb:
        few = some[:OF_DUCKDB]
        theirs = by_duckdb(few, vouchers_of(vouchers, lines), found[:OF_DUCKDB])
        met.append(_say("of DuckDB, times", f"{rate / theirs:.0f}", "1", rate > theirs))
        print(f"  {'DuckDB, lines/s':<44} {theirs:>14,.0f}")
    slow = by_reference(some[:OF_REFERENCE], given, found[:OF_REFERENCE])
    print(f"  {'plain SQL, lines/s':<44} {sql:>14,.0f}\n  {'slow reference':<44} {slow:>14,.0f}")
    return all(met)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--vouchers", type=int, default=10_000)
    parser.add_argument("--one", type=int, help="one pass over so many lines, its figures as JSON")
    parser.add_argument("--duckdb", action="store_true", help="beside DuckDB, too, if installed")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(run(arguments.one, arguments.vouchers)))
        sys.exit(0)
    sys.exit(0 if compare(arguments.lines, arguments.vouchers, duckdb=arguments.duckdb) else 1)


if __name__ == "__main__":
    main()
