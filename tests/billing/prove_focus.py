"""A month's FOCUS exports judged by the FOCUS validator: `make prove-focus`.

Release 2.2.1 wants Python 3.12 and is run on ours with its one expression mended that 3.11 cannot
parse, in an environment of its own, without a download of rules. Its exit status is 0 with
failures, so its report is read.
"""

import gzip
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from sqlalchemy import delete

from billing.closing.close_cycle import lock_cycle
from billing.cycles.models import CLOSED
from billing.lines.models import BillLine
from billing.settings import BillingSettings
from chassis.database import Database
from tests.billing.bill_lines import CYCLE
from tests.billing.builders import BillingDoor
from tests.billing.focus_month import month
from tests.billing.proving import prove, tell
from tests.billing.settlement_builders import carry_out, request
from tests.billing.test_exports import fetched, made

PLACE = Path(".run/focus-validator")
WANTED = ("focus-validator==2.2.1", "numpy<2", "pyarrow<22")
# Those that apply to us; without them their rules are skipped.
CRITERIA = (
    "AVAILABILITY_ZONE_SUPPORTED", "SUB_ACCOUNT_SUPPORTED", "REGION_SUPPORTED",
    "TAGGING_SUPPORTED", "RESOURCE_TYPE_ASSIGNMENT_SUPPORTED", "PUBLIC_PRICE_LIST_SUPPORTED",
    "UNIT_PRICING_SUPPORTED", "USAGE_MEASUREMENT_SUPPORTED", "NEGOTIATED_PRICING_SUPPORTED",
    "MULTIPLE_PRICING_CATEGORIES_SUPPORTED", "MULTIPLE_SUB_ACCOUNT_TYPES_SUPPORTED",
    "BILLING_BASED_ON_PROVISIONED_RESOURCES_SUPPORTED", "MULTIPLE_BILLING_ACCOUNT_TYPES_SUPPORTED",
)  # fmt: skip
# One of two branches of InvoiceId-C-003-C, which has to pass.
OTHER_BRANCH = {"InvoiceId-C-004-C"}
PASSED_MIN = 280
_BROKEN = """", ".join(f"'{k.replace('\\"', '\\"\\"')}'" for k in ignore_keys)"""
_MENDED = """", ".join("'" + k.replace('"', '""') + "'" for k in ignore_keys)"""
_failed = re.compile(r"([\w-]+): FAIL ").findall
_total = re.compile(r"Total: (\d+) \| Pass: (\d+) \| Fail: (\d+)").search


def validator() -> Path:
    """The command, installed and mended."""
    command = PLACE.absolute() / "bin/focus-validator"
    if not command.exists():
        tell("installing the validator, once")
        venv.create(PLACE, with_pip=True)
        pip = [str(PLACE / "bin/pip"), "install", "-q", "--ignore-requires-python", *WANTED]
        subprocess.run(pip, check=True)
    (source,) = PLACE.glob(
        "lib/*/site-packages/focus_validator/config_objects/*duckdb_converter.py"
    )
    text = source.read_text("utf-8")
    source.write_text(text.replace(_BROKEN, _MENDED), "utf-8")
    return command


def judge(content: bytes) -> bool:
    """Whether every rule that the validator can judge holds for the file."""
    command = validator()
    (packages,) = PLACE.absolute().glob("lib/*/site-packages")
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(content)
        file.flush()
        said = subprocess.run(
            [str(command), "--data-file", file.name, "--validate-version", "1.2",
             "--block-download", "--applicability-criteria", ",".join(CRITERIA)],
            cwd=packages, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    found = _total(said)
    assert found is not None, said
    failed = set(_failed(said))
    tell(f"{found[0]}; failed: {sorted(failed) or 'none'}")
    return failed <= OTHER_BRANCH and int(found[2]) >= PASSED_MIN


async def proof(door: BillingDoor, database: Database, _settings: BillingSettings) -> bool:
    """Usage, period orders, refunds, adjustments, coupons, several services, both currencies.

    In both views; what a partner owes is of one currency.
    """
    lines = month()
    async with database.transaction() as session:
        session.add_all(lines)
    (content,) = await fetched(door, await made(door, rows=1000, format="focus"))
    is_good = judge(gzip.decompress(content))
    async with database.transaction() as session:
        await session.execute(delete(BillLine).where(BillLine.currency != "CNY"))
        (await lock_cycle(session, CYCLE)).state = CLOSED
    for cycle in sorted({line.bill_cycle for line in lines}):
        settled = await request(door, bill_cycle=cycle)
        assert settled.status_code == 202, settled.text
        await carry_out(database)
    owed = await made(door, rows=1000, format="focus", view="partner_owes")
    (content,) = await fetched(door, owed)
    return judge(gzip.decompress(content)) and is_good


if __name__ == "__main__":
    sys.exit(prove(proof))
