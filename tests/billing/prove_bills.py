"""A vendor's bill of a million rows with a thousand differences: `make prove-bills`.

By default in every form: as the vendor writes it, its columns in another order, with a column that
we do not know, and with CRLF and a byte-order mark.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import islice

from billing.settings import BillingSettings
from chassis.database import Database
from tests.billing.bill_lines import bill_line
from tests.billing.builders import BillingDoor
from tests.billing.proving import Proof, prove, tell
from tests.billing.test_reconciliation import compared, differences
from tests.billing.vendor_bill import KINDS, SAID, Planted, Row, archive, csv_bytes, row_of

MEMBER_ROWS = 100_000
LINES_AT_ONCE = 5_000
DIFFERENCES = 1_000
FORMS: Mapping[str, Callable[[Sequence[Row]], bytes]] = {
    "plain": csv_bytes,
    "order": lambda rows: csv_bytes(rows, tuple(reversed(SAID))),
    "unknown": lambda rows: csv_bytes(rows, others={"优惠活动": "双十一"}),
    "crlf": lambda rows: csv_bytes(rows, end="\r\n", mark=b"\xef\xbb\xbf"),
}


def proof_of(rows: int, forms: Sequence[str]) -> Proof:
    """The proof over so many rows, in those forms one after another."""

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
        return all([await _is_found(door, made, form) for form in forms])

    return proof


async def _is_found(door: BillingDoor, made: Planted, form: str) -> bool:
    files = [FORMS[form](made.rows[at : at + MEMBER_ROWS])
             for at in range(0, len(made.rows), MEMBER_ROWS)]  # fmt: skip
    began = time.monotonic()
    found = await compared(door, archive(*files))
    named = await differences(door, found, limit="1000")
    said = [(row["kind"], (row["theirs"] or row["ours"])["trade_id"]) for row in named]
    is_right = Counter(said) == Counter(made.expected)
    seconds = time.monotonic() - began
    counts = {one["kind"]: one["count"] for one in found["differences"]}
    tell(f"{form}: {found['status']} in {seconds:.0f} s, {'right' if is_right else 'WRONG'}")
    tell(f"  {counts}")
    return is_right


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS))
    told = parser.parse_args()
    sys.exit(prove(proof_of(told.rows, told.forms)))
