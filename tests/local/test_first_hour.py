"""The demo portfolio on a running system, and every block of the README as a reader would run it.

Only what starts programs of the machine is stood in for: `make`, whose verbs are looked up, and
Docker, in whose place the system runs already.
"""

import os
import re
import subprocess
import sys
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
from testkit.embedded.jars import CHECKOUT
from testkit.keys import ADMIN_TOKEN, ENCRYPTION_KEYS, INTERNAL_KEYS
from testkit.system import System
from tests.flows.cast import Caller, eventually

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

BLOCK_SECONDS = 60
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = _BLOCK.findall((CHECKOUT / "README.md").read_text())

# What a reader has: a shell, and what the README's commands stand on.
_STAND_INS = """\
set -euo pipefail
make() { command make -C "$CHECKOUT" --dry-run "$1" >/dev/null; }
docker() { sed -i "s/^ADMIN_TOKEN=.*/ADMIN_TOKEN=$SYSTEM_TOKEN/" .env; }
"""


@pytest.fixture(scope="module")
def stack(session_system: System, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The session's system as `make up` knows its own, with a small portfolio."""
    layout = Layout(tmp_path_factory.mktemp("reader") / ".run")
    layout.create()
    layout.codes.symlink_to(session_system.messages)
    ports = dict.fromkeys(CHOSEN, 0) | {"gateway": int(session_system.gateway_url.split(":")[-1])}
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
    master = _reader(stack, demo["enterprise"])
    members = master.get("/v2/enterprises/multi-accounts/sub-customers")["sub_customer_infos"]
    assert len(members) == 2
    assert len(eventually(lambda: _expired(partner), bool)) == 3


def _expired(partner: Caller) -> list[Any]:
    """Its ended coupons; none is told while it has asked too often."""
    answer = partner.call("GET", "/v2/promotions/benefits/partner-coupons?limit=100")
    if answer.status_code == 429:
        return []
    return [one for one in answer.json()["user_coupons"] if one["status"] == 4]


def _reader(stack: Stack, who: dict[str, str]) -> Caller:
    return Caller(stack.gateway_url, who["domain_id"], who["ak"], who["sk"])


def test_every_shell_block_of_the_readme_runs(stack: Stack) -> None:
    """In one shell: a block goes on where the one before it stood."""
    blocks = [text for language, text in BLOCKS if language == "sh"]
    assert len(blocks) >= 4
    script = "\n".join(f"echo '=== block {n}'\n{text}" for n, text in enumerate(blocks, 1))
    done = shell(stack, script.replace("http://127.0.0.1:8080", stack.gateway_url))
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"error' not in done.stdout, done.stdout
    assert '"access"' in done.stdout  # the key of the first partner, in the last block


def test_every_python_block_of_the_readme_finds_what_it_asks_for(stack: Stack) -> None:
    blocks = [text for language, text in BLOCKS if language == "python"]
    assert blocks
    for text in blocks:
        (stack.layout.run.parent / "block.py").write_text(text)
        done = shell(stack, ".venv/bin/python block.py")
        assert done.returncode == 0, done.stderr
        assert not done.stdout.startswith("0 "), done.stdout


def test_every_block_of_the_readme_says_what_it_is() -> None:
    """So that none is left out of these tests; a drawing is a block without a language."""
    assert {language for language, _ in BLOCKS} <= {"", "sh", "python"}


def test_the_sdk_is_tried_as_the_summary_says(stack: Stack) -> None:
    script = f"'{sys.executable}' '{CHECKOUT}/deploy/local/try_sdk.py' .run/demo.json"
    done = shell(stack, script)
    assert done.returncode == 0, done.stderr
    assert re.match(r"[1-9]\d* customers have 科技 in their names", done.stdout)
