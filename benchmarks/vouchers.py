"""Vouchers beside their floors: `make bench-vouchers`.

Each row says in its own file what stands beside what: both sides run in this process, on the same
PostgreSQL, which waits for its disk at each commit as one does that is in use. (Until 2026-11-30 it
did not: then a floor that does next to nothing is five times as fast, and no row of it is a
system's.) A request goes from the application's edge to its answer; no HTTP client takes part, as
none does on the other side. The bus is off on both: `make bench-bus` has it.

On a shared machine only ratios tell.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from benchmarks.vouchers_issues import issue_by_a_job, issue_of_many, issues_singly
from benchmarks.vouchers_payments import payments
from benchmarks.vouchers_reads import lists, proof
from benchmarks.vouchers_rig import keeping_postgres
from testkit.databases import Templates

Row = Callable[[Templates, Any], Awaitable[bool]]  # True when its bar is met

ROWS: Mapping[str, Row] = {
    "many": issue_of_many,
    "singly": issues_singly,
    "payments": payments,
    "job": issue_by_a_job,
    "lists": lists,
    "proof": proof,
}


async def measure(templates: Templates, arguments: Any) -> bool:
    """All rows that are wanted; True when every bar is met."""
    met = [await ROWS[name](templates, arguments) for name in arguments.rows or ROWS]
    return all(met)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", help=f"{' '.join(ROWS)}; or all")
    parser.add_argument("--large", type=int, default=1_000_000, help="coupons of the large size")
    parser.add_argument("--items", type=int, default=50_000, help="of the job")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with keeping_postgres() as server:
        templates = Templates(server)
        met = asyncio.run(measure(templates, arguments))
        templates.close()
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
