"""A vendor's bill of a million rows with a thousand differences: `make prove-bills`."""

import argparse
import sys
import time
from collections import Counter
from itertools import islice

from billing.settings import BillingSettings
from chassis.database import Database
from tests.billing.bill_lines import bill_line
from tests.billing.builders import BillingDoor
from tests.billing.proving import prove, tell
from tests.billing.test_reconciliation import compared, differences
from tests.billing.vendor_bill import KINDS, Planted, archive, csv_bytes, row_of

MEMBER_ROWS = 100_000
LINES_AT_ONCE = 5_000
DIFFERENCES = 1_000


def proof_of(rows: int):  # type: ignore[no-untyped-def]
    """The proof over so many rows."""

    async def proof(door: BillingDoor, database: Database, _settings: BillingSettings) -> bool:
        lines = [bill_line(number % 20_000, trade_id=f"trade-{number}",
                           line_id=f"line-{number:08d}") for number in range(rows)]  # fmt: skip
        made = Planted([row_of(line) for line in lines], lines)
        made.plant(max(1, rows // DIFFERENCES), KINDS)
        tell(f"{rows:,} rows with {len(made.expected):,} differences")
        waiting = iter(made.lines)
        while some := list(islice(waiting, LINES_AT_ONCE)):
            async with database.transaction() as session:
                session.add_all(some)
        files = [csv_bytes(made.rows[at : at + MEMBER_ROWS])
                 for at in range(0, len(made.rows), MEMBER_ROWS)]  # fmt: skip
        began = time.monotonic()
        found = await compared(door, archive(*files))
        tell(f"{found['status']} in {time.monotonic() - began:.0f} s: {found['differences']}")
        named = await differences(door, found, limit="1000")
        said = [(row["kind"], (row["theirs"] or row["ours"])["trade_id"]) for row in named]
        return Counter(said) == Counter(made.expected)

    return proof


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    sys.exit(prove(proof_of(parser.parse_args().rows)))
