"""Billing beside its floors: `make bench-billing`.

Each row is a function of its own, and measures what stands beside it in the same run: on a shared
machine only ratios tell.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from benchmarks.billing_files import exports_beside_copy, reconciliation_beside_a_join
from benchmarks.billing_ingest import ingest_beside_copy
from benchmarks.billing_lists import bill_lists
from benchmarks.billing_settlement import settlement_of_a_month
from benchmarks.billing_transfers import transfers_from_one_partner
from benchmarks.wire import postgres
from testkit.databases import Templates

Row = Callable[[Templates, Any], Awaitable[bool]]  # True when its bar is met

# In the order in which they run; a new one is a file `billing_<row>.py` and a line here.
ROWS: Mapping[str, Row] = {
    "ingest": ingest_beside_copy,
    "lists": bill_lists,
    "settlement": settlement_of_a_month,
    "transfers": transfers_from_one_partner,
    "exports": exports_beside_copy,
    "reconciliation": reconciliation_beside_a_join,
}


async def measure(templates: Templates, arguments: Any) -> bool:
    """All rows that are wanted; True when every bar is met."""
    met = [await ROWS[name](templates, arguments) for name in arguments.rows or ROWS]
    return all(met)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", help=f"{' '.join(ROWS)}; or all")
    parser.add_argument("--lines", type=int, default=1_000_000, help="of a month, the small size")
    parser.add_argument("--large", type=int, default=4_000_000, help="of a month, the large size")
    parser.add_argument("--transfers", type=int, default=2000, help="of one round")
    parser.add_argument("--records", type=int, default=200_000, help="of a file of usage")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with postgres() as server:
        templates = Templates(server)
        met = asyncio.run(measure(templates, arguments))
        templates.close()
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
