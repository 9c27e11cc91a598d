"""The demo portfolio on a running system, and every block of the README as a reader would run it.

The system is a sandbox of its own, as `make up` starts it: the last block moves its time. Only what
starts programs of the machine is stood in for: `make`, whose verbs are looked up, and Docker, in
whose place the system runs already.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from local.credentials import Credentials
from local.demo.load import load
from local.demo.plan import SMALL
from local.demo_file import read_demo
from local.layout import Layout
from local.ports import CHOSEN
from local.private_files import read_json
from local.stack import Stack, assemble
from testkit.databases import Templates
from testkit.embedded.jars import CHECKOUT
from testkit.keys import ADMIN_TOKEN, ENCRYPTION_KEYS, INTERNAL_KEYS
from testkit.servers import KafkaServer
from testkit.system import System
from tests.flows.cast import Caller, eventually

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

BLOCK_SECONDS = 60
CLOCK = "/api/sandbox/clock"
AUTO_RENEW = 3  # expire policy
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = _BLOCK.findall((CHECKOUT / "README.md").read_text())

# What a reader has: a shell, and what the README's commands stand on.
_STAND_INS = """\
set -euo pipefail
make() { command make -C "$CHECKOUT" --dry-run "$1" >/dev/null; }
docker() { sed -i "s/^ADMIN_TOKEN=.*/ADMIN_TOKEN=$SYSTEM_TOKEN/" .env; }
helm() { (cd "$CHECKOUT" && .venv/bin/python -m tests.helm.install "$@"); }
"""


@pytest.fixture(scope="module")
def system(service_templates: Templates, kafka_server: KafkaServer) -> Iterator[System]:
    """All services, where outcomes and time may be rehearsed."""
    started = System(service_templates, kafka_server, environment={"SANDBOX": "true"})
    try:
        yield started.start()
    finally:
        started.close()


@pytest.fixture(scope="module")
def stack(system: System, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """That system as `make up` knows its own, with a small portfolio."""
    layout = Layout(tmp_path_factory.mktemp("reader") / ".run")
    layout.create()
    layout.codes.symlink_to(system.messages)
    ports = dict.fromkeys(CHOSEN, 0) | {"gateway": int(system.gateway_url.split(":")[-1])}
    credentials = Credentials(INTERNAL_KEYS, ENCRYPTION_KEYS, ADMIN_TOKEN, "unused")
    stack = assemble(layout, ports, credentials)
    load(stack, SMALL)
    return stack


def shell(stack: Stack, script: str) -> subprocess.CompletedProcess[str]:
    """Run it in bash in the reader's checkout."""
    reader = stack.layout.run.parent
    if not (reader / ".venv").exists():
        (reader / ".venv").symlink_to(Path(sys.executable).parent.parent)
    return subprocess.run(
        ["bash", "-c", _STAND_INS + script],
        cwd=reader,
        env={**os.environ, "CHECKOUT": str(CHECKOUT), "SYSTEM_TOKEN": stack.admin_token},
        capture_output=True,
        text=True,
        timeout=BLOCK_SECONDS,
        check=False,
    )


def test_the_portfolio_is_loaded_to_its_end_and_loading_it_again_does_nothing(
    stack: Stack,
) -> None:
    demo = read_demo(stack)
    assert demo is not None
    assert demo["gateway"] == stack.gateway_url
    assert stack.layout.demo.stat().st_mode & 0o777 == 0o600
    journal = (stack.layout.run / "demo-journal.jsonl").read_bytes()
    load(stack, SMALL)
    assert (stack.layout.run / "demo-journal.jsonl").read_bytes() == journal
    again: dict[str, Any] = read_json(stack.layout.demo)
    assert again["customers"] == demo["customers"]


def test_each_feature_that_stands_is_shown(stack: Stack) -> None:
    demo = read_demo(stack)
    assert demo is not None
    partner, abroad = _reader(stack, demo["partner"]), _reader(stack, demo["abroad"])
    path = "/v2/partners/sub-customers/query"
    phones = partner.post(path, {"account_name": "demo-phone-1-2"})["customer_infos"]
    assert len(phones) == 1
    assert '"receiver": "13800138002"' in stack.layout.codes.read_text()
    frozen = abroad.post(path, {})["customer_infos"]
    assert sorted(row["is_frozen"] for row in frozen) == [0, 0, 1, 1]
    applications = partner.get("/api/association-applications")["applications"]
    assert "open" in {one["status"] for one in applications}
    master = _reader(stack, demo["enterprise"]["master"])
    base = "/v2/enterprises/multi-accounts"
    members = master.get(f"{base}/sub-customers")["sub_customer_infos"]
    named = [demo["enterprise"][f"{kind}_member_id"] for kind in ("independent", "custody")]
    assert sorted(one["id"] for one in members) == sorted(named)
    for balance_type, amount in (("DEBIT", 500), ("CREDIT", 300)):
        asked = f"balance_type=BALANCE_TYPE_{balance_type}&sub_customer_id={named[0]}"
        (left,) = master.get(f"{base}/retrieve-amount?{asked}")["amount_infos"]
        assert left["avail_retrieve_amount"] == amount
    movable = master.get(f"{base}/transfer-coupons")["avail_transfer_coupons"]
    assert sorted(one["balance"] for one in movable) == ["120.00", "200.00"]
    asked = f"sub_customer_id={named[0]}"
    (part,) = master.get(f"{base}/retrieve-coupons?{asked}")["avail_retrieve_coupons"]
    assert part["balance"] == "80.00"
    holder = _reader(stack, demo["customers"][0])
    cards = holder.get("/v2/promotions/benefits/stored-value-cards?status=1")
    assert [one["face_value"] for one in cards["stored_value_cards"]] == ["500.00"]
    assert len(eventually(lambda: _expired(partner), bool)) == 3
    distributor = _reader(stack, demo["distributor"])
    handed_out = distributor.get("/v2/partners/issued-coupon-quotas")["quotas"]
    assert sorted(one["quota_status"] for one in handed_out) == [0, 6]
    records = distributor.get("/v2/partners/coupon-quotas/records")["records"]
    assert sorted(one["operation_type"] for one in records) == ["10", "10", "11"]
    states = partner.get("/api/test-coupon-applications")["applications"]
    assert sorted(one["status"] for one in states) == [
        "issued", "pending", "rejected", "withdrawn"
    ]  # fmt: skip
    held = partner.get("/v2/promotions/benefits/coupons")["user_coupons"]
    assert len(held) == 1  # the test coupon of the application
    campaign = _campaign(stack)
    done = eventually(
        lambda: partner.get(f"/api/recall-campaigns/{campaign}"),
        lambda one: one["status"] == "done",
    )
    assert (done["succeeded"], done["recalled_amount"]) == (3, "33.00")
    granted = distributor.get("/api/partner-vouchers")["partner_vouchers"]
    assert sorted(one["amount"] for one in granted) == ["3000.00", "800.00"]


def test_a_month_is_closed_and_its_bill_is_settled(stack: Stack) -> None:
    """With arrears of a customer, and disks that stand under their servers."""
    demo = read_demo(stack)
    assert demo is not None
    partner, month = _reader(stack, demo["partner"]), demo["closed_month"]
    path = f"/api/partner-bills?partner_id={partner.domain_id}&cycle={month}"
    (bill,) = partner.get(path)["bills"]
    assert (bill["state"], bill["is_current"], bill["lines"]) == ("published", True, 12)
    totals = bill["totals"]
    assert 0 < Decimal(totals["due_amount"]) < Decimal(totals["customer_amount"])
    consuming = "/v2/bills/subcustomer-bills/res-fee-records/sub-customers/query"
    owed = Decimal(0)
    for one in partner.post(consuming, {"bill_cycle": month})["sub_customers"]:
        path = "/v2/bills/subcustomer-bills/res-fee-records"
        told = partner.get(f"{path}?bill_cycle={month}&customer_id={one['customer_id']}")
        server, disk = sorted(told["fee_records"], key=lambda row: "sub_resource_id" in row)
        assert disk["resource_id"] == server["resource_id"] != disk["sub_resource_id"]
        owed += sum(Decimal(str(row["debt_amount"])) for row in (server, disk))
    assert owed > 0


def _campaign(stack: Stack) -> str:
    """The one that was started."""
    lines = (stack.layout.run / "demo-journal.jsonl").read_text("utf-8").splitlines()
    done = dict(json.loads(line) for line in lines[1:])
    return str(done["recall campaign"]["campaign_id"])


def test_lives_of_orders_and_resources_are_shown(stack: Stack) -> None:
    demo = read_demo(stack)
    assert demo is not None
    partner = _reader(stack, demo["partner"])
    renewing, unsubscribing, failing, asking, converting = (
        _reader(stack, one) for one in demo["customers"][:5]
    )
    discounts = partner.get("/api/discounts")["discounts"]
    assert [one["customer_id"] for one in discounts] == [renewing.domain_id]
    (renewal,) = _orders(renewing, 2)
    discounted = renewal["amount_info"]["discounts"]
    assert {one["discount_type"] for one in discounted} >= {"607"}, discounted
    owned = renewing.get("/api/resources?charging_mode=1&limit=100")["resources"]
    automatic = [one for one in owned if one["expire_policy"] == AUTO_RENEW]
    assert [one["main_resource_id"] is None for one in automatic].count(True) == 1
    assert len(automatic) == 2  # the server and its disk
    amounts = [order["amount_info"] for order in _orders(unsubscribing, 4)]
    assert [str(one.get("commission_amount")) for one in amounts] == ["3.22", "None"]
    (given_back,) = eventually(lambda: _orders(failing, 4), bool)
    assert given_back["source_type"] == 8
    requests = partner.get("/api/payment-requests")["payment_requests"]
    assert {one["customer_id"] for one in requests} == {asking.domain_id}
    assert sorted(one["status"] for one in requests) == ["paid", "requested"]
    assert len(_orders(converting, 10)) == 1
    assert converting.get("/api/resources?charging_mode=3")["resources"]


def _orders(customer: Caller, order_type: int) -> list[Any]:
    """The customer's own, the newest first."""
    path = f"/v2/orders/customer-orders?order_type={order_type}"
    return list(customer.get(path)["order_infos"])


def _expired(partner: Caller) -> list[Any]:
    """Its ended coupons; none is told while it has asked too often."""
    answer = partner.call("GET", "/v2/promotions/benefits/partner-coupons?limit=100")
    if answer.status_code == 429:
        return []
    return [one for one in answer.json()["user_coupons"] if one["status"] == 4]


def _reader(stack: Stack, who: dict[str, str]) -> Caller:
    return Caller(stack.gateway_url, who["domain_id"], who["ak"], who["sk"])


def test_every_python_block_of_the_readme_finds_what_it_asks_for(stack: Stack) -> None:
    """In one Python: a block goes on where the one before it stood."""
    blocks = [text for language, text in BLOCKS if language == "python"]
    assert len(blocks) >= 2
    (stack.layout.run.parent / "blocks.py").write_text("\n".join(blocks))
    done = shell(stack, ".venv/bin/python blocks.py")
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert len(said) == len(blocks), done.stdout
    assert not said[0].startswith("0 "), done.stdout
    assert re.fullmatch(r"\['CS\d+'\] \[\(.*'CS\d+'\)\]", said[1]), done.stdout


def test_every_block_of_the_readme_says_what_it_is() -> None:
    """So that none is left out of these tests; a drawing is a block without a language."""
    assert {language for language, _ in BLOCKS} <= {"", "sh", "python"}


def test_the_sdk_is_tried_as_the_summary_says(stack: Stack) -> None:
    script = f"'{sys.executable}' '{CHECKOUT}/deploy/local/try_sdk.py' .run/demo.json"
    done = shell(stack, script)
    assert done.returncode == 0, done.stderr
    assert re.match(r"[1-9]\d* customers have 科技 in their names", done.stdout)


def test_every_shell_block_of_the_readme_runs(stack: Stack) -> None:
    """In one shell: a block goes on where the one before it stood.

    The one that moves time comes after all others, and this test is the last of its file.
    """
    blocks = [text for language, text in BLOCKS if language == "sh"]
    assert len(blocks) >= 4
    blocks.sort(key=lambda text: CLOCK in text)
    script = "\n".join(f"echo '=== block {n}'\n{text}" for n, text in enumerate(blocks, 1))
    done = shell(stack, script.replace("http://127.0.0.1:8080", stack.gateway_url))
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"error' not in done.stdout, done.stdout
    assert '"access"' in done.stdout  # the key of the first partner, in the block of containers
    assert '"moving":true' in done.stdout.replace(" ", "").rpartition("===")[2], done.stdout
